"""Streaming multipart/form-data: a request body in, form fields and the file's bytes out, in the order they arrive.

Rule of this file: memory is one piece of the body, whatever the size of the file; everything but the file is bounded.
It knows the syntax of forms, not what the fields mean; how names are written is in `disposition.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.files.disposition import parse_disposition
from shared.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FIELDS = 32
MAX_FIELD_BYTES = 65_536
MAX_PREAMBLE_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A text field; `name` has its dots turned into brackets, so that both spellings of nested names are one."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStart:
    """The file part begins; its bytes follow. `filename` is as the caller sent it, not yet to be trusted."""

    filename: str


Part = Field | FileStart | bytes


async def read_form(
    content_type: str | None, body: AsyncIterator[bytes], file_field: str = "file"
) -> AsyncIterator[Part]:
    """The form's fields, and the file in `file_field` as FileStart followed by pieces of bytes. Complete when it ends.

    Raises InvalidRequest if `body` is no form, breaks its syntax or the bounds, or ends too early.
    """
    form = _Form(file_field)
    parser = MultipartParser(_boundary(content_type, file_field), form.callbacks())
    read = 0
    async for chunk in body:
        try:
            parser.write(chunk)
        except FormParserError:
            raise _broken("its syntax is wrong") from None
        read += len(chunk)
        if not form.begun and read > MAX_PREAMBLE_BYTES:
            raise _broken("the boundary of the Content-Type header does not occur in it")
        for part in form.take():
            yield part
    if not form.ended:
        raise _broken("it ends before its closing boundary")


def _boundary(content_type: str | None, file_field: str) -> bytes:
    kind, options = parse_options_header((content_type or "").encode("latin-1", "replace"))
    if kind != b"multipart/form-data":
        raise InvalidRequest(
            f"The request is not a form. Send it as multipart/form-data, with the bytes in the field '{file_field}'."
        )
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= 70:  # RFC 2046, 5.1.1
        raise InvalidRequest("The Content-Type header names no usable boundary: multipart/form-data; boundary=…")
    return boundary


def _broken(reason: str) -> InvalidRequest:
    return InvalidRequest(f"The multipart body could not be read: {reason}. Nothing was stored; send it again.")


class _Form:
    """Collects what the push parser calls back; `take` hands it on."""

    def __init__(self, file_field: str) -> None:
        self._file_field = file_field
        self.begun = self.ended = False
        self._ready: list[Part] = []
        self._header = (b"", b"")
        self._disposition = b""
        self._name: str | None = None
        self._value = bytearray()
        self._in_file = self._has_file = False
        self._fields = 0

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def take(self) -> list[Part]:
        ready, self._ready = self._ready, []
        return ready

    def _on_part_begin(self) -> None:
        self.begun = True
        self._disposition = b""
        self._name, self._in_file = None, False
        self._value.clear()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        name, value = self._header
        self._header = (name + data[start:end], value)

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        name, value = self._header
        self._header = (name, value + data[start:end])

    def _on_header_end(self) -> None:
        name, value = self._header
        self._header = (b"", b"")
        if name.lower() == b"content-disposition":
            self._disposition = value

    def _on_headers_finished(self) -> None:
        parameters = parse_disposition(self._disposition)
        if "name" not in parameters:
            raise _broken("a part has no name")
        self._name = parameters["name"]
        if "filename" in parameters:
            self._begin_file(parameters["filename"])
            return
        if self._name == self._file_field:
            raise InvalidRequest(
                f"The form field '{self._name}' has no filename. Send it as a file part.", param=self._name
            )
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise InvalidRequest(f"The form has more than {MAX_FIELDS} fields. Send only those this call knows.")

    def _begin_file(self, filename: str) -> None:
        if self._name != self._file_field:
            raise InvalidRequest(f"The file must be in the form field '{self._file_field}'.", param=self._file_field)
        if not filename:
            raise InvalidRequest("The file has an empty filename. Give it a name.", param=self._file_field)
        if self._has_file:
            raise InvalidRequest("The form has two files. Send one file per upload.", param=self._file_field)
        self._in_file = self._has_file = True
        self._ready.append(FileStart(filename=filename))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._ready.append(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > MAX_FIELD_BYTES:
            raise InvalidRequest(f"A form field is longer than {MAX_FIELD_BYTES} bytes.", param=self._name)

    def _on_part_end(self) -> None:
        if not self._in_file and self._name is not None:
            value = self._value.decode("utf-8", "replace")
            self._ready.append(Field(name=_bracketed(self._name), value=value))

    def _on_end(self) -> None:
        self.ended = True


def _bracketed(name: str) -> str:
    """`expires_after.seconds` (Azure's documents) as `expires_after[seconds]` (SDKs): contract 1.5.1."""
    first, *rest = name.split(".")
    return first + "".join(f"[{part}]" for part in rest)
