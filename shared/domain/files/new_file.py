"""What an upload must be before it becomes a file (contract 1.5.1).

Rule of this file: checks are shallow, and cost the same for any size; lines are validated per batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.errors import InvalidRequest
from shared.domain.files.file import PURPOSES, ExpiresAfter
from shared.domain.files.file_format import foreign_encoding, foreign_format
from shared.domain.json_problem import BOM, why_not_json
from shared.domain.parameters import missing, shortened, too_long, unsupported, whole_number_text
from shared.domain.raw_json import is_utf8, kind_of

BATCH_PURPOSE = "batch"
_NO_LINES = "Invalid file format for Batch API. Must be .jsonl"  # Literals: contract 1.3 and 9.3.
_NO_UTF8 = "Invalid file for Batch API. Must be utf-8 encoded"
_ADVICE = "Write each request as one JSON object on a line of its own, in UTF-8."
EXPIRY_SECONDS = (3600, 2_592_000)
MAX_FILENAME = 255
HEAD_BYTES = 1_048_576  # How much of a file is looked at for its first line.


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
        check_batch_head(head, whole=whole)  # first: what a file is tells more than its name
        check_batch_name(filename)
    return NewFile(filename=filename, purpose=purpose, expires_after=_expiry(fields))


def check_name(param: str, filename: str) -> None:
    """Raises InvalidRequest about `param`."""
    if len(filename) > MAX_FILENAME:
        raise too_long(param, len(filename), MAX_FILENAME)


def check_batch_name(filename: str) -> None:
    """A name without an extension is right, too: SDKs name bytes `upload` (contract 9.3). Raises InvalidRequest."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    extension = name.rpartition(".")[2] if "." in name else ""
    if extension.lower() not in {"", "jsonl"}:
        raise InvalidRequest(_NO_LINES)


def check_batch_head(head: bytes, *, whole: bool) -> None:
    """`head` is how the file begins; `whole` says that it is all of it. Raises InvalidRequest."""
    if what := foreign_format(head):
        raise InvalidRequest(f"{_NO_LINES}: {what}")
    if what := foreign_encoding(head):
        raise InvalidRequest(f"{_NO_UTF8}: {what}")
    _check_first_line(head.removeprefix(BOM), whole)


def too_large(purpose: str | None, limit_bytes: int) -> InvalidRequest:
    """Contract 1.3, and what users miss there: the limit (contract 7 no. 12)."""
    advice = ": split the file over several batches." if purpose == BATCH_PURPOSE else "."
    return InvalidRequest(f"File is too large. The limit is {limit_bytes} bytes{advice}")


def check_purpose(purpose: str) -> str:
    """`purpose` itself. Raises InvalidRequest."""
    if purpose not in PURPOSES:
        raise InvalidRequest(f"'{shortened(purpose)}' is not one of {list(PURPOSES)} - 'purpose'", param="purpose")
    return purpose


def _check_first_line(head: bytes, whole: bool) -> None:
    """The first line that is not blank must be a JSON object, as far as `head` shows it.

    A byte order mark before it passes here: it is refused per batch, with the line and the reason (contract 3.3, 3.4).
    """
    text = head.lstrip()
    line, newline, _ = text.partition(b"\n")
    if not text:
        found = "the file is empty" if whole else f"its first {len(head):,} bytes are white space"
        raise InvalidRequest(f"{_NO_LINES}: {found}.")
    if not (newline or whole) and line.startswith(b"{"):
        return
    why = why_not_json(line) or (None if line.startswith(b"{") else f"is {kind_of(line)}")
    if why:
        number = head.count(b"\n", 0, len(head) - len(text)) + 1
        sentence = _NO_LINES if is_utf8(line) else _NO_UTF8
        raise InvalidRequest(f"{sentence}: line {number} {why}. {_ADVICE}")


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
