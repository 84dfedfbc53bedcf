"""`GET …/openapi.json` under each prefix: what it serves. Anonymous, for it says nothing that the sources do not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cache

import msgspec
from azurefunctions.extensions.http.fastapi import Request, Response

from api.edge.dialect import Dialect
from api.openapi.document import Route, build_document

DOCUMENT = "openapi.json"


def serve_document(
    dialect: Dialect, routes: Sequence[tuple[str, str, Callable[..., object]]]
) -> Callable[[Request], Awaitable[Response]]:
    """The HTTP function over the app's `(method, path, handler)` tables; the document is built when first asked for."""

    @cache
    def content() -> bytes:
        described = [Route(method, path, handler.__name__) for method, path, handler in routes]
        return msgspec.json.encode(build_document(dialect, described))

    async def openapi(req: Request) -> Response:  # noqa: ARG001 - the worker binds it
        return Response(content(), media_type="application/json")

    return openapi
