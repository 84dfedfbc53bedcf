"""Requests in the create call itself: how each becomes a line of an ordinary input file (an extension).

Rule of this file: what a request lacks is filled in, and what it says stays byte for byte; whether it makes a line is
found out in validation, as of any file. Keys beside those of a line are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared.domain.errors import InvalidRequest
from shared.domain.json_problem import why_not_json
from shared.domain.raw_json import ABSENT, is_null

POST: Final = msgspec.Raw(b'"POST"')
_NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Request(msgspec.Struct, frozen=True, gc=False):
    custom_id: msgspec.Raw = ABSENT
    method: msgspec.Raw = ABSENT
    url: msgspec.Raw = ABSENT
    body: msgspec.Raw = ABSENT
    params: msgspec.Raw = ABSENT  # As other vendors call the body.


_decode_request = msgspec.json.Decoder(_Request).decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineLines:
    """`url` is a request's that names none. `body` has the fields of its body that it does not give itself."""

    url: str
    body: dict[str, msgspec.Raw] = field(default_factory=dict)

    def line(self, request: bytes, index: int) -> bytes:
        """The line of the request `index`, with its line feed. Raises InvalidRequest for what is no JSON at all."""
        try:
            line = self._composed(_decode_request(request))
            return _on_one_line(line) + b"\n"
        except msgspec.ValidationError:  # Something else than an object.
            if why_not_json(request):
                raise _no_json(request, index) from None
            return _on_one_line(request) + b"\n"
        except _NOT_JSON:
            raise _no_json(request, index) from None

    def _composed(self, request: _Request) -> bytes:
        body = request.params if request.body is ABSENT else request.body
        parts = {
            b"custom_id": request.custom_id,
            b"method": POST if is_null(request.method) else request.method,
            b"url": msgspec.Raw(msgspec.json.encode(self.url)) if is_null(request.url) else request.url,
            b"body": self._filled(body),
        }
        members = [b'"%b":%b' % (name, bytes(value)) for name, value in parts.items() if value is not ABSENT]
        return b"{%b}" % b",".join(members)

    def _filled(self, body: msgspec.Raw) -> msgspec.Raw:
        """What is no object stays as it is: validation says so."""
        if not self.body:
            return body
        try:
            own = {} if body is ABSENT else _decode_object(body)
        except _NOT_JSON:
            return body
        return msgspec.Raw(msgspec.json.encode(self.body | own))


def _on_one_line(line: bytes) -> bytes:
    """Raises msgspec.DecodeError."""
    if b"\n" not in line and b"\r" not in line:
        return line
    line = msgspec.json.format(line, indent=-1)
    if b"\n" in line or b"\r" in line:
        raise msgspec.DecodeError("a line break inside a string")
    return line


def _no_json(request: bytes, index: int) -> InvalidRequest:
    why = why_not_json(request) or "has a line break inside a string"
    return InvalidRequest(f"The request body is not valid JSON: requests[{index}] {why}.", param=f"requests[{index}]")
