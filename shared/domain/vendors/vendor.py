"""Whose rules a batch follows, and which rules there are.

Rule of this room: whatever depends on the vendor is a field of `VendorRules`, and each vendor's values are in its own
file; nothing else asks which vendor it has. Who offers which endpoint is in `endpoints`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

LINE_ID_PREFIX = "batch_req_"

Parts = tuple[bytes, ...]  # Of a document, put together once: a body may be 100 MB.
NULL: Parts = (b"null",)


class Vendor(StrEnum):
    """Whose rules a batch follows for its whole life: error codes, result lines, expiry. Set and stored at creation."""

    OPENAI = "openai"
    AZURE = "azure"
    DEEPINFRA = "deepinfra"  # OpenAI's rules, limits of its own
    COMPASS = "compass"  # the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A sentence of a vendor, byte for byte, and its error code. `line` is 1-based, None for the whole file."""

    code: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRules:
    """One vendor. `spell_*` turn a canonical id into what stands after its prefix, as the vendor's callers know it."""

    file_prefix: str
    spell_upload: Callable[[str], str]
    spell_result: Callable[[str], str]
    spell_batch: Callable[[str], str]
    endpoint_prefixes: tuple[str, ...]  # with which an endpoint may begin; the first is the one that is shown
    codes: Mapping[str, str]  # OpenAI's name of an error code -> the vendor's; what is missing has one name
    byte_order_mark: Literal  # of a file that begins with one
    quota_sentence: str  # with its {model}, {organization}, {limit}, {enqueued} and {tokens}
    expires: bool  # whether work stops at the end of the completion window (contract 2.6)
    results_expire: bool  # also where the caller did not ask for it (contract 2.6)
    keeps_empty_files: bool  # whether a result file without lines exists nevertheless (contract 2.5)
    # Result lines (contract 4). A response of (the line's id, the upstream's request id, status, body); a line of
    # (its id, custom_id as JSON, response, error).
    write_response: Callable[[str, str | None, int, bytes], Parts]
    write_line: Callable[[str, bytes, Parts, bytes], bytes]

    def upload_id(self, canonical: str) -> str:
        """Of a file that somebody uploaded."""
        return f"{self.file_prefix}{self.spell_upload(canonical)}"

    def result_id(self, canonical: str) -> str:
        """Of an output or error file."""
        return f"{self.file_prefix}{self.spell_result(canonical)}"

    def batch_id(self, canonical: str) -> str:
        return f"batch_{self.spell_batch(canonical)}"

    def code(self, code: str) -> str:
        """The vendor's name of an error code given in OpenAI's words."""
        return self.codes.get(code, code)
