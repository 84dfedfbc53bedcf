"""`GET …/openapi.json` under each prefix: what it serves. Anonymous, for it says nothing that the sources do not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cache

import msgspec
from azurefunctions.extensions.http.fastapi import Request, Response

from api.edge.dialect import Dialect
from api.edge.mount import Mount
from api.openapi.document import build_document


def serve_document(dialect: Dialect, mounts: Sequence[Mount]) -> Callable[[Request], Awaitable[Response]]:
    """The HTTP function; the document is built when first asked for."""

    @cache
    def content() -> bytes:
        return msgspec.json.encode(build_document(dialect, mounts))

    async def openapi(req: Request) -> Response:  # noqa: ARG001 - the worker binds it
        return Response(content(), media_type="application/json")

    return openapi
