"""Names in the storage account: the container, the tables, and how the product's names become table keys. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

_INVERTED = str.maketrans("0123456789abcdef", "fedcba9876543210")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """One container and its tables; made on first use where missing."""

    container: str = "batchfiles"
    files: str = "BatchFiles"
    batches: str = "Batches"
    chunks: str = "BatchChunks"
    lanes: str = "BatchLanes"
    creations: str = "BatchCreations"
    uploads: str = "BatchUploads"
    webhook_endpoints: str = "WebhookEndpoints"
    webhook_deliveries: str = "WebhookDeliveries"


# Partitions that hold markers, not records. No owner's key begins with `$` (see `table_key`).
DUE = "$due"
EXPIRY = "$expiry"
PARTS = "$parts_"  # The id of an upload follows.
UNFINISHED = "$unfinished"


def table_key(text: str) -> str:
    """Any text as a table key, which may hold no slash, backslash, `#`, `?`, `%` or control character; one to one."""
    return quote(text, safe="").replace("=", "%3D").replace("%", "=")


def newest_first(canonical_id: str) -> str:
    """The row key under which ascending order is descending order of ids: each hex digit d as f - d."""
    return canonical_id.translate(_INVERTED)
