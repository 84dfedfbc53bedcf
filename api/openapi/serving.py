"""`GET /openapi.json`: the service's own description. Anonymous, for it says nothing that the sources do not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cache

import msgspec
from azurefunctions.extensions.http.fastapi import Request, Response

from api.openapi.document import Route, build_document


def serve_document(
    routes: Sequence[tuple[str, str, Callable[..., object]]],
) -> Callable[[Request], Awaitable[Response]]:
    """The HTTP function over the app's `(method, path, handler)` tables; the document is built when first asked for."""

    @cache
    def content() -> bytes:
        return msgspec.json.encode(build_document([Route(method, path, it.__name__) for method, path, it in routes]))

    async def openapi(req: Request) -> Response:  # noqa: ARG001 - the worker binds it
        return Response(content(), media_type="application/json")

    return openapi
