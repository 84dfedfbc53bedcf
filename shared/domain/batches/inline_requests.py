"""`requests` of a create call and what is said once for all of them: `endpoint`, `model` and `body` (an extension).

Rule of this file: they are read as they come, so what fills them in has to stand before them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from shared.domain.errors import InvalidRequest
from shared.domain.lines.inline_lines import InlineLines
from shared.domain.parameters import missing, wrong_type

REQUESTS: Final = "requests"
_FILLING: Final = ("endpoint", "model", "body")
_INPUTS: Final = ("input_file_id", "input_blob")
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def check_member(name: str, *, are_read: bool) -> None:
    """A member `name` comes; `are_read` says that the requests have come before it. Raises InvalidRequest."""
    if are_read and name == REQUESTS:
        raise InvalidRequest("The request body has 'requests' twice. Send one array.", param=REQUESTS)
    if are_read and name in _FILLING:
        raise InvalidRequest(
            f"'{name}' comes after 'requests', which are read as they come. Put 'requests' last in the body.",
            code="invalid_request",
            param=name,
        )


def lines_of(members: Mapping[str, bytes]) -> InlineLines:
    """How requests become lines, by the raw members before them. Raises InvalidRequest."""
    endpoint = _decoded(members, "endpoint")
    if endpoint is None:
        raise missing("endpoint", " Put it before 'requests', which are read as they come.")
    model, body = _decoded(members, "model"), _decoded(members, "body")
    for name, value, kind, noun in (
        ("endpoint", endpoint, str, "a string"),
        ("model", model, str, "a string"),
        ("body", body, dict, "an object"),
    ):
        if value is not None and not isinstance(value, kind):
            raise wrong_type(name, noun, value)
    fields = _decode_object(members["body"]) if body is not None else {}
    if model is not None:
        fields["model"] = msgspec.Raw(msgspec.json.encode(model))
    return InlineLines(url=endpoint, body=fields)


def check_fields(fields: Mapping[str, Any], *, were_read: bool) -> None:
    """What stands beside them in the call. Raises InvalidRequest."""
    if not were_read:
        if (value := fields.get(REQUESTS)) is not None:
            raise wrong_type(REQUESTS, "an array", value)
        return
    for name in _INPUTS:
        if fields.get(name) is not None:
            raise InvalidRequest(
                f"Give either '{name}' or 'requests', not both.", code="mutually_exclusive_parameters", param=REQUESTS
            )


def check_count(count: int, most: int) -> None:
    """Raises InvalidRequest, in the words that OpenAI has for arrays."""
    if count > most:
        raise InvalidRequest(
            f"Invalid 'requests': array too long. Expected an array with maximum length {most}, but got a longer one "
            "instead. Split the requests over several batches.",
            code="array_above_max_length",
            param=REQUESTS,
        )
    if not count:
        raise InvalidRequest(
            "Invalid 'requests': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            code="empty_array",
            param=REQUESTS,
        )


def _decoded(members: Mapping[str, bytes], name: str) -> Any:
    try:
        return msgspec.json.decode(members.get(name, b"null"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest(f"The request body is not valid JSON: '{name}' cannot be read.", param=name) from None
