"""Azure classic's api-versions as data: which serve batches, and what an answer holds under each (contract 1.4, 9.6).

Rule of this file: an answer holds the keys that its version documents, and no others. `Azure.AI.OpenAI` 2.1.0 for .NET
fails at a file with a key that it does not know, null or not. Sources: the definitions `File` and `Batch` of
azure-rest-api-specs, AzureOpenAI/authoring, 2024-07-01-preview to 2025-04-01-preview. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from api.edge.dialect import GATEWAY_NOT_FOUND, OK, Dialect
from shared.domain.errors import NotFound

_FILE: Final = frozenset(
    {"id", "object", "bytes", "created_at", "filename", "purpose", "status", "status_details"},
)
_EXPIRY: Final = frozenset({"expires_at"})
_BATCH: Final = frozenset(
    {
        "id",
        "object",
        "endpoint",
        "errors",
        "input_file_id",
        "completion_window",
        "status",
        "output_file_id",
        "error_file_id",
        "created_at",
        "in_progress_at",
        "expires_at",
        "finalizing_at",
        "completed_at",
        "failed_at",
        "expired_at",
        "cancelling_at",
        "cancelled_at",
        "request_counts",
        "metadata",
    }
)
_BLOBS: Final = frozenset({"input_blob", "output_blob", "error_blob"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiVersion:
    """What holds from the version dated `since` on, the previews of that day included."""

    since: str
    file_keys: frozenset[str] = _FILE
    batch_keys: frozenset[str] = _BATCH
    created_batch: int = OK
    shows_enqueued_tokens: bool = False


# Oldest first; before the first there are no batches (contract 1.1).
API_VERSIONS: Final = (
    ApiVersion(since="2024-07-01"),
    ApiVersion(since="2025-03-01", file_keys=_FILE | _EXPIRY),
    ApiVersion(
        since="2025-04-01",
        file_keys=_FILE | _EXPIRY,
        batch_keys=_BATCH | _BLOBS,
        created_batch=201,
        shows_enqueued_tokens=True,
    ),
)
_SPELLING = re.compile(r"(\d{4}-\d\d-\d\d)(-preview)?", re.ASCII)


def at_version(dialect: Dialect, api_version: str | None) -> Dialect:
    """`dialect` as it is under `api_version`. Raises NotFound where that has no batches, or none is given."""
    if not dialect.needs_api_version:
        return dialect
    match = _SPELLING.fullmatch(api_version or "")
    known = [version for version in API_VERSIONS if match and version.since <= match[1]]
    if not known:
        raise NotFound(
            "Resource not found. Add the query parameter 'api-version' with a version that has batches, "
            "such as api-version=2024-10-21.",
            code=GATEWAY_NOT_FOUND,
        )
    newest = known[-1]
    return replace(
        dialect,
        file_keys=newest.file_keys,
        batch_keys=newest.batch_keys,
        created_batch=newest.created_batch,
        shows_enqueued_tokens=newest.shows_enqueued_tokens,
    )
