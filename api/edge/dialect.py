"""The dialects as one table: under which prefix, how they name uploads, what success looks like.

Rule of this file: every difference between the dialects is a field of `Dialect` or of its vendor's rules; handlers
never ask which one they serve. Pure. Objects are rendered in `rendering.py`, errors in `envelopes.py`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from shared.domain import ids
from shared.domain.endpoints import offered_by, spellings
from shared.domain.files.file import PURPOSES
from shared.domain.files.upload import Upload
from shared.domain.vendors.rules import rules_of
from shared.domain.vendors.vendor import Vendor, VendorRules

OK = 200
GATEWAY_NOT_FOUND = "404"  # The code of the gateway in front of Azure (contract 1.3).
UPLOAD_PREFIX = "upload_"
_BLOCK_ID = re.compile("[0-9A-Za-z+/]{22}==", re.ASCII)


class Envelope(StrEnum):
    """Shape of an error (contract 1.3)."""

    OPENAI = "openai"
    AZURE_CLASSIC = "azure_classic"
    AZURE_V1 = "azure_v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way of speaking to the same objects, beside what is the vendor's (`rules`).

    `file_keys` and `batch_keys` are the keys that an answer may hold; None: all that we have. Where calls name an
    api-version, these and some other fields depend on it (`api_versions.at_version`).
    """

    prefix: str
    vendor: Vendor
    envelope: Envelope
    unknown_path: str  # what is said of a call that no route takes, with its {method} and {path}
    created_file: int
    created_batch: int
    unknown_path_code: str | None = GATEWAY_NOT_FOUND
    names_project: bool = False  # `OpenAI-Project` has to be that of the key (contract 1.1)
    names_methods: bool = False  # a known path under another method: 405 and `Allow`, where others say unknown
    needs_api_version: bool = False
    locates_files: bool = False
    pages_files: bool = True
    files_expire: bool = False
    sends_apim_request_id: bool = True
    part_prefix: str = "part_"
    names_uploads_by_purpose: bool = False
    shows_block_ids: bool = False
    fills_expiry: bool = False
    takes_any_window: bool = False
    looks_ahead: bool = False
    shows_enqueued_tokens: bool = False  # two headers of a created batch (contract 1.2)
    file_keys: frozenset[str] | None = None
    batch_keys: frozenset[str] | None = None
    reads_odata: bool = False
    takes_blobs: bool = False  # `input_blob` and `output_folder` on create
    shows_blobs: bool = False  # their keys in every batch, not only in those that use them

    @property
    def rules(self) -> VendorRules:
        """Those of the vendor, in both of its dialects if it has two."""
        return rules_of(self.vendor)

    @property
    def endpoints(self) -> Mapping[str, str]:
        """Accepted spelling -> endpoint."""
        return offered_by(self.vendor)

    def spell_endpoint(self, endpoint: str) -> str:
        return spellings(endpoint, self.vendor)[0]


AZURE_PART_PREFIX = "uplprt-"

OPENAI = Dialect(
    prefix="v1",
    vendor=Vendor.OPENAI,
    envelope=Envelope.OPENAI,
    unknown_path="Invalid URL ({method} {path}).",
    created_file=OK,
    created_batch=OK,
    unknown_path_code=None,
    names_project=True,
    names_methods=True,
    files_expire=True,
    sends_apim_request_id=False,
)
# OpenAI's shapes; an expiry whose parts may be left out (contract 2.6).
DEEPINFRA = replace(OPENAI, prefix="v1/openai", vendor=Vendor.DEEPINFRA, fills_expiry=True)
# OpenAI's shapes (contract 9.4).
COMPASS = replace(OPENAI, prefix="batch-api/v1", vendor=Vendor.COMPASS)
AZURE_CLASSIC = Dialect(
    prefix="openai",
    vendor=Vendor.AZURE,
    envelope=Envelope.AZURE_CLASSIC,
    unknown_path="Resource not found: {method} {path}.",
    created_file=201,
    created_batch=OK,
    needs_api_version=True,
    part_prefix=AZURE_PART_PREFIX,
    names_uploads_by_purpose=True,
    shows_block_ids=True,
    locates_files=True,
    pages_files=False,
    reads_odata=True,
    takes_blobs=True,
    takes_any_window=True,
    looks_ahead=True,
)
AZURE_V1 = Dialect(
    prefix="openai/v1",
    vendor=Vendor.AZURE,
    envelope=Envelope.AZURE_V1,
    unknown_path="Resource not found: {method} {path}.",
    created_file=OK,
    created_batch=OK,  # The reference says 201; the official client for .NET takes nothing but 200 (contract 9.6).
    part_prefix=AZURE_PART_PREFIX,
    names_uploads_by_purpose=True,
    shows_block_ids=True,
    reads_odata=True,
    takes_blobs=True,
    shows_blobs=True,
    takes_any_window=True,
    looks_ahead=True,
    shows_enqueued_tokens=True,
)


def parse_file_id(text: str) -> str | None:
    """The canonical id behind any dialect's spelling, or None."""
    return ids.parse(text, "file-", "file_")


def parse_batch_id(text: str) -> str | None:
    """The canonical id behind any dialect's spelling, or None."""
    return ids.parse(text, "batch_")


def upload_id(dialect: Dialect, file_id: str) -> str:
    """An uploaded file's id; what is no id comes back as it was given (contract 1.5.5)."""
    return dialect.rules.upload_id(file_id) if ids.parse(file_id) == file_id else file_id


def result_id(dialect: Dialect, file_id: str | None) -> str | None:
    """The id of an output or error file."""
    return None if file_id is None else dialect.rules.result_id(file_id)


def parse_upload_id(text: str) -> str | None:
    """The canonical id of an upload in parts behind any dialect's spelling, or None."""
    return ids.parse(text, UPLOAD_PREFIX, *(f"{purpose}-" for purpose in PURPOSES))


def spell_upload_id(dialect: Dialect, upload: Upload) -> str:
    """Azure's examples begin with the purpose (contract 1.5.8)."""
    return f"{upload.purpose}-{upload.id}" if dialect.names_uploads_by_purpose else f"{UPLOAD_PREFIX}{upload.id}"


def parse_part_id(text: str) -> str | None:
    """The canonical id behind any dialect's spelling, Azure's block ids included, or None."""
    return ids.parse(text, OPENAI.part_prefix, AZURE_PART_PREFIX) or _parse_block_id(text)


def azure_block_id(part_id: str) -> str:
    """A part's other name, which Azure's examples complete with (contract 1.5.8)."""
    return base64.b64encode(bytes.fromhex(part_id)).decode()


def _parse_block_id(text: str) -> str | None:
    return base64.b64decode(text).hex() if _BLOCK_ID.fullmatch(text) else None


def batch_id(dialect: Dialect, canonical: str) -> str:
    return dialect.rules.batch_id(canonical)
