"""What the calls that create and complete an upload must hold (contract 1.5.8).

Rule of this file: whatever can be refused before a part is sent is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.errors import InvalidRequest
from shared.domain.files.file import ExpiresAfter
from shared.domain.files.new_file import (
    BATCH_PURPOSE,
    EXPIRY_SECONDS,
    check_batch_name,
    check_name,
    check_purpose,
    too_large,
)
from shared.domain.files.upload_parts import MAX_PARTS, no_such_part
from shared.domain.parameters import missing, out_of_range, too_long, unsupported, whole_number, wrong_type

MAX_MIME_TYPE = 255
_MD5 = re.compile("[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """A checked create call."""

    filename: str
    purpose: str
    mime_type: str
    bytes: int
    expires_after: ExpiresAfter | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A checked complete call: canonical part ids in the order of the file; `md5` as lower-case hex."""

    part_ids: tuple[str, ...]
    md5: str | None


def parse_new_upload(fields: Mapping[str, Any], *, max_batch_bytes: int, max_bytes: int) -> NewUpload:
    """Raises InvalidRequest."""
    filename, purpose = _text(fields, "filename"), check_purpose(_text(fields, "purpose"))
    check_name("filename", filename)
    mime_type = _text(fields, "mime_type")
    if len(mime_type) > MAX_MIME_TYPE:
        raise too_long("mime_type", len(mime_type), MAX_MIME_TYPE)
    if purpose == BATCH_PURPOSE:
        check_batch_name(filename)
    return NewUpload(
        filename=filename,
        purpose=purpose,
        mime_type=mime_type,
        bytes=_bytes(fields, purpose, max_batch_bytes if purpose == BATCH_PURPOSE else max_bytes),
        expires_after=_expiry(fields.get("expires_after")),
    )


def parse_completion(fields: Mapping[str, Any], parse_part_id: Callable[[str], str | None]) -> Completion:
    """Raises InvalidRequest."""
    given = fields.get("part_ids")
    if given is None:
        raise missing("part_ids")
    if not isinstance(given, list):
        raise wrong_type("part_ids", "an array", given)
    if not 1 <= len(given) <= MAX_PARTS:
        raise out_of_range("part_ids.length", len(given), 1, MAX_PARTS)
    return Completion(part_ids=tuple(_part_id(item, parse_part_id) for item in given), md5=_md5(fields.get("md5")))


def check_md5(wanted: str, found: str) -> None:
    """Raises InvalidRequest unless the two hex digests are one."""
    if wanted != found:
        raise InvalidRequest(
            f"The parts have the md5 checksum {found}, not {wanted}. Send the parts that differ again, and complete "
            "with their ids.",
            code="invalid_value",
            param="md5",
        )


def _part_id(item: Any, parse_part_id: Callable[[str], str | None]) -> str:
    if not isinstance(item, str):
        raise wrong_type("part_ids", "an array of strings", item)
    canonical = parse_part_id(item)
    if canonical is None:
        raise no_such_part(item)
    return canonical


def _md5(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise wrong_type("md5", "a string", value)
    if not _MD5.fullmatch(value.lower()):
        raise InvalidRequest(
            "Invalid 'md5': expected the checksum as 32 hex digits.", code="invalid_value", param="md5"
        )
    return value.lower()


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        raise missing(name)
    if not isinstance(value, str):
        raise wrong_type(name, "a string", value)
    return value


def _bytes(fields: Mapping[str, Any], purpose: str, limit: int) -> int:
    value = fields.get("bytes")
    if value is None:
        raise missing("bytes")
    if isinstance(value, int) and value > limit:
        raise too_large(purpose, limit)
    return whole_number("bytes", value, 1, limit)


def _expiry(value: Any) -> ExpiresAfter | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise wrong_type("expires_after", "an object", value)
    for name in ("anchor", "seconds"):
        if value.get(name) is None:
            raise missing(f"expires_after.{name}")
    if value["anchor"] != "created_at":
        raise unsupported("expires_after.anchor", str(value["anchor"]), ["created_at"])
    return ExpiresAfter(seconds=whole_number("expires_after.seconds", value["seconds"], *EXPIRY_SECONDS))
