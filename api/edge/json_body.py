"""The JSON body of a call, read within a bound."""

from __future__ import annotations

import codecs
from typing import Any

import msgspec
from azurefunctions.extensions.http.fastapi import Request

from shared.domain.errors import InvalidRequest
from shared.domain.parameters import wrong_type

MAX_BODY_BYTES = 262_144


async def read_fields(request: Request) -> dict[str, Any]:
    """The fields of a JSON object; an empty body has none. Raises InvalidRequest."""
    return fields_of(await read_body(request))


def fields_of(body: bytes) -> dict[str, Any]:
    """The same of a body that has been read."""
    if not body:
        return {}
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest("The request body is not valid JSON. Send a JSON object.") from None
    if not isinstance(fields, dict):
        raise wrong_type("body", "an object", fields)
    return fields


async def read_body(request: Request, *, advice: str = "") -> bytes:
    """The bytes, without a byte order mark. Raises InvalidRequest, with `advice`, for a body that is too large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise body_too_large(advice)
    return without_mark(bytes(body))


def without_mark(body: bytes) -> bytes:
    """Without the byte order mark that PowerShell and Java put first (RFC 8259, 8.1, allows that)."""
    return body.removeprefix(codecs.BOM_UTF8)


def body_too_large(advice: str) -> InvalidRequest:
    return InvalidRequest(f"The request body is larger than {MAX_BODY_BYTES} bytes.{advice}")
