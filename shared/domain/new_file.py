"""What an upload must be before it becomes a file (contract 1.5.1).

Rule of this file: checks are shallow, and cost the same for any size; lines are validated per batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from shared.domain.errors import InvalidRequest
from shared.domain.file import PURPOSES, ExpiresAfter
from shared.domain.parameters import missing, shortened, too_long, unsupported, whole_number_text

BATCH_PURPOSE = "batch"
EXPIRY_SECONDS = (3600, 2_592_000)
MAX_FILENAME = 255
HEAD_BYTES = 1_048_576  # How much of a file is looked at for its first line.
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A checked upload; `expires_after` None where the caller said nothing about expiry."""

    filename: str
    purpose: str
    expires_after: ExpiresAfter | None


def parse_new_file(fields: Mapping[str, str], filename: str, head: bytes, *, whole: bool) -> NewFile:
    """The upload as a NewFile. `head` is how the file begins; `whole` says that it is all of it.

    Raises InvalidRequest in the words of contract 1.3.
    """
    if "purpose" not in fields:
        raise missing("purpose")
    purpose = check_purpose(fields["purpose"])
    check_name("file.filename", filename)
    if purpose == BATCH_PURPOSE:
        check_batch_name(filename)
        check_batch_head(head, whole=whole)
    return NewFile(filename=filename, purpose=purpose, expires_after=_expiry(fields))


def check_name(param: str, filename: str) -> None:
    """Raises InvalidRequest about `param`."""
    if len(filename) > MAX_FILENAME:
        raise too_long(param, len(filename), MAX_FILENAME)


def check_batch_name(filename: str) -> None:
    """Raises InvalidRequest."""
    if not filename.lower().endswith(".jsonl"):
        raise _no_batch_file()


def check_batch_head(head: bytes, *, whole: bool) -> None:
    """`head` is how the file begins; `whole` says that it is all of it. Raises InvalidRequest."""
    if not _starts_with_object(head, whole):
        raise _no_batch_file()


def _no_batch_file() -> InvalidRequest:
    return InvalidRequest("Invalid file format for Batch API. Must be .jsonl")


def too_large(purpose: str | None, limit_bytes: int) -> InvalidRequest:
    """Contract 1.3, and what users miss there: the limit (contract 7, no. 12)."""
    advice = ": split the file over several batches." if purpose == BATCH_PURPOSE else "."
    return InvalidRequest(f"File is too large. The limit is {limit_bytes} bytes{advice}")


def check_purpose(purpose: str) -> str:
    """`purpose` itself. Raises InvalidRequest."""
    if purpose not in PURPOSES:
        raise InvalidRequest(f"'{shortened(purpose)}' is not one of {list(PURPOSES)} - 'purpose'", param="purpose")
    return purpose


def _starts_with_object(head: bytes, whole: bool) -> bool:
    """Whether the first line that is not blank is a JSON object, as far as `head` shows it.

    A byte order mark passes here: it is refused per batch, with the line and the reason (contract 3.3, 3.4).
    """
    text = head.removeprefix(_BOM).lstrip()
    line, newline, _ = text.partition(b"\n")
    if not (newline or whole):
        return line.startswith(b"{")
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _expiry(fields: Mapping[str, str]) -> ExpiresAfter | None:
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    if anchor is None:
        raise missing("expires_after[anchor]")
    if seconds is None:
        raise missing("expires_after[seconds]")
    if anchor != "created_at":
        raise unsupported("expires_after[anchor]", anchor, ["created_at"])
    return ExpiresAfter(seconds=whole_number_text("expires_after[seconds]", seconds, *EXPIRY_SECONDS))
