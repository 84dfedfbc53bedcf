"""Names in the storage account: the container, the tables, and how the product's names become table keys. Pure.

Rule of this file: a `Key` is made here and nowhere else, so no text of a caller becomes one unescaped.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NewType
from urllib.parse import quote

from shared.domain.ids import created_at

Key = NewType("Key", str)  # What Table Storage takes as PartitionKey or RowKey.

LONGEST: Final = 200  # Table Storage takes 512 characters (platform 5.1); a key may hold two of these and some more.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MONTH = "9999-12"
_INVERTED = str.maketrans("0123456789abcdef", "fedcba9876543210")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """One container and its tables; made on first use where missing."""

    container: str = "batchfiles"
    files: str = "BatchFiles"
    batches: str = "Batches"
    chunks: str = "BatchChunks"
    heartbeats: str = "BatchLanes"
    creations: str = "BatchCreations"
    uploads: str = "BatchUploads"
    webhook_endpoints: str = "WebhookEndpoints"
    deliveries: str = "WebhookDeliveries"
    spending: str = "BatchSpending"
    organization: str = "Organization"
    projects: str = "Projects"
    service_accounts: str = "ServiceAccounts"
    api_keys: str = "ApiKeys"
    audit_log: str = "AuditLog"
    usage: str = "BatchUsage"


# Partitions that hold markers, not records. No owner's key begins with `$` (see `table_key`).
DUE = Key("$due")
EXPIRY = Key("$expiry")
UNFINISHED = Key("$unfinished")
HOURS_DUE = Key("$hours")
DAYS_SPENT = Key("$days")
FIRST = Key("")  # Before every key.


def table_key(text: str) -> Key:
    """Any text as a table key, which may hold no slash, backslash, `#`, `?`, `%` or control character; one to one.

    An id of ours is its own key. Of a long text, the end is a digest.
    """
    escaped = quote(text, safe="", errors="surrogatepass").replace("=", "%3D").replace("%", "=")
    if len(escaped) <= LONGEST:
        return Key(escaped)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Key(f"{escaped[: LONGEST - 66]}=.{digest}")  # No escape has a dot: no other text has this key.


def newest_first(canonical_id: str) -> Key:
    """The row key under which ascending order is descending order of ids: each hex digit d as f - d."""
    return table_key(canonical_id.translate(_INVERTED))


def month(canonical_id: str) -> Key:
    """The partition of what was made in the month of the id; like `newest_first`, the newer the smaller."""
    try:
        name = f"{created_at(canonical_id):%Y-%m}"
    except (ValueError, OverflowError):  # The year 10000 and after.
        name = _LAST_MONTH
    return newest_first(name)


def compound(*parts: str) -> Key:
    """One key of several texts, in the order of the first."""
    return Key("_".join(map(table_key, parts)))


def parts_of(upload_id: str) -> Key:
    """The partition of the parts of one upload."""
    return Key(f"$parts_{table_key(upload_id)}")


def rollups_of(width: str) -> Key:
    """The partition of the rollups of one width."""
    return Key(f"$rollups_{table_key(width)}")


def row_of(project: str, *parts: str) -> Key:
    """A key of a project among those of others; no project's name has a `$` once it is a key."""
    return Key(f"{table_key(project)}${compound(*parts)}")


def rows_of(project: str) -> tuple[Key, Key]:
    """The bounds, both exclusive, of the keys that `row_of` makes for the project."""
    return Key(f"{table_key(project)}$"), Key(f"{table_key(project)}%")


def within(text: str) -> tuple[Key, Key]:
    """The bounds, both exclusive, of all compounds whose first part is `text` and whose second is digits."""
    return Key(f"{table_key(text)}_"), Key(f"{table_key(text)}_:")


def moment(at: datetime) -> str:
    """Microseconds since 1970, in a width that keeps their order for ten thousand years."""
    return f"{(at - _EPOCH) // timedelta(microseconds=1):018d}"


def until(at: datetime) -> Key:
    """The bound, exclusive, of all compounds whose first part is a `moment` up to `at`."""
    return table_key(moment(at + timedelta(microseconds=1)))
