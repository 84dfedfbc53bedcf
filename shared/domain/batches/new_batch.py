"""The body of a create call, and everything that is checked before a batch exists (contract 1.5.5, 2.8).

Rule of this file: only the body is judged here. Whether the input file exists, and what its lines say, is found out
while the batch is `validating`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from shared.domain.batches.callback import Callback
from shared.domain.batches.inline_requests import check_fields
from shared.domain.deployments.leaders import NEIGHBOURS, Leaders
from shared.domain.errors import InvalidRequest
from shared.domain.files.blob_address import folder_address, input_address
from shared.domain.files.new_file import EXPIRY_SECONDS
from shared.domain.keys.priority import Priority, parse_priority
from shared.domain.parameters import missing, shortened, too_long, unsupported, whole_number, wrong_type

_DAY = 86_400
_EXPIRY: Mapping[str, Any] = {"anchor": "created_at", "seconds": EXPIRY_SECONDS[1]}
MAX_PAIRS, MAX_KEY, MAX_VALUE, MAX_ID = 16, 64, 512, 128


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    """A checked create call; `endpoint` is canonical (`/v1/…`), `input_file_id` is as the caller spelled it.

    With an `input_url` the `input_file_id` is empty, and with requests in the call until they are a file.
    """

    input_file_id: str
    input_url: str | None
    output_folder: str | None
    endpoint: str
    completion_window: str
    window_seconds: int
    metadata: dict[str, str] | None
    output_expires_after_seconds: int | None
    priority: Priority
    leaders_first: Leaders
    callback: Callback | None = None


def parse_new_batch(
    body: bytes,
    *,
    endpoints: Mapping[str, str],
    windows: Mapping[str, int],
    fills_expiry: bool = False,
    takes_any_window: bool = False,
    blob_origins: Collection[str] | None = None,
    max_priority: Priority = Priority.HIGH,
    has_requests: bool = False,
) -> NewBatch:
    """`body` as a NewBatch. `endpoints`: accepted spelling -> canonical one; `windows`: accepted window -> seconds.

    `fills_expiry`: both parts of `output_expires_after` may be left out (DeepInfra, contract 2.6).
    `takes_any_window`: an unsupported completion window fails the batch, not the call (Azure, contract 1.5.5).
    `blob_origins`: storage accounts whose blobs may be named; None where a dialect knows no such thing.
    `max_priority`: what the caller's key allows. `has_requests`: they came in the call, and have been taken out.
    Raises InvalidRequest in the words of contract 1.3.
    """
    fields = _object(body)
    check_fields(fields, were_read=has_requests)
    if blob_origins is None:
        _refuse_blobs(fields)
    input_url = input_address(fields, blob_origins or ())
    input_file_id = "" if has_requests or input_url is not None else _text(fields, "input_file_id")
    if len(input_file_id) > MAX_ID:
        raise too_long("input_file_id", len(input_file_id), MAX_ID)
    endpoint = _choice(fields, "endpoint", endpoints)
    window = _text(fields, "completion_window")
    if window not in windows and not (takes_any_window and len(window) <= MAX_ID):
        raise unsupported("completion_window", window, windows)
    return NewBatch(
        input_file_id=input_file_id,
        input_url=input_url,
        output_folder=folder_address(fields, blob_origins or ()),
        endpoint=endpoints[endpoint],
        completion_window=window,
        window_seconds=windows.get(window, _DAY),
        metadata=_metadata(fields.get("metadata")) if input_url is None else None,
        output_expires_after_seconds=_expiry(fields.get("output_expires_after"), _EXPIRY if fills_expiry else {}),
        priority=parse_priority(fields.get("priority"), max_priority),
        leaders_first=_leaders(fields.get("leaders_first")),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest(
            "The request body is not valid JSON. Send a JSON object with 'input_file_id', 'endpoint' and "
            "'completion_window'."
        ) from None
    if not isinstance(fields, dict):
        raise wrong_type("body", "an object", fields)
    return fields


def _refuse_blobs(fields: Mapping[str, Any]) -> None:
    for name in ("input_blob", "output_folder"):
        if fields.get(name) is not None:
            raise InvalidRequest(
                f"Unsupported parameter: '{name}'. Upload the file and give its id as 'input_file_id'.",
                code="unsupported_parameter",
                param=name,
            )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        raise missing(name)
    if not isinstance(value, str):
        raise wrong_type(name, "a string", value)
    return value


def _leaders(value: Any) -> Leaders:
    if value is None:
        return True
    if value == NEIGHBOURS or isinstance(value, bool):
        return cast("Leaders", value)
    raise wrong_type("leaders_first", f"a boolean or '{NEIGHBOURS}'", value)


def _choice(fields: Mapping[str, Any], name: str, supported: Mapping[str, Any]) -> str:
    value = _text(fields, name)
    if value not in supported:
        raise unsupported(name, value, supported)
    return value


def _metadata(value: Any) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise wrong_type("metadata", "an object", value)
    if len(value) > MAX_PAIRS:
        raise InvalidRequest(
            f"Invalid 'metadata': too many properties. Expected an object with at most {MAX_PAIRS} properties, "
            f"but got an object with {len(value)} properties instead.",
            code="object_above_max_properties",
            param="metadata",
        )
    for key, text in value.items():
        _check_pair(key, text)
    return value


def _check_pair(key: str, text: Any) -> None:
    param = f"metadata.{shortened(key)}"
    if len(key) > MAX_KEY:
        raise InvalidRequest(
            f"Invalid 'metadata': property name too long. Expected a property name with maximum length {MAX_KEY}, "
            f"but got one with length {len(key)} instead.",
            code="property_name_above_max_length",
            param="metadata",
        )
    if not isinstance(text, str):
        raise wrong_type(param, "a string", text)
    if len(text) > MAX_VALUE:
        raise too_long(param, len(text), MAX_VALUE)


def _expiry(value: Any, defaults: Mapping[str, Any]) -> int | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise wrong_type("output_expires_after", "an object", value)
    value = {**defaults, **{name: part for name, part in value.items() if part is not None}}
    for name in ("anchor", "seconds"):
        if value.get(name) is None:
            raise missing(f"output_expires_after.{name}")
    if value["anchor"] != "created_at":
        raise unsupported("output_expires_after.anchor", str(value["anchor"]), ["created_at"])
    return whole_number("output_expires_after.seconds", value["seconds"], *EXPIRY_SECONDS)
