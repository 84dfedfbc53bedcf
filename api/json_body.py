"""The JSON body of a call, read within a bound."""

from __future__ import annotations

from typing import Any

import msgspec
from azurefunctions.extensions.http.fastapi import Request

from shared.domain.errors import InvalidRequest
from shared.domain.parameters import wrong_type

MAX_BODY_BYTES = 262_144


async def read_fields(request: Request) -> dict[str, Any]:
    """The fields of a JSON object; an empty body has none. Raises InvalidRequest."""
    body = await _read(request)
    if not body:
        return {}
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest("The request body is not valid JSON. Send a JSON object.") from None
    if not isinstance(fields, dict):
        raise wrong_type("body", "an object", fields)
    return fields


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise InvalidRequest(f"The request body is larger than {MAX_BODY_BYTES} bytes.")
    return bytes(body)
