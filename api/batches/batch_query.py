"""What a list of batches is narrowed to: our own filters in every dialect, `$filter` and `$orderby` in Azure's.

The filters (extensions, docs/api.md) are `status`, `metadata[key]`, `created_after` and `created_before`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.edge.dialect import Dialect, parse_batch_id
from api.edge.query import Page, parse_page
from shared.domain.batches.batch import Status
from shared.domain.batches.batch_filter import AllOf, Condition, CreatedWithin, HasMetadata, HasStatus
from shared.domain.batches.odata_filter import is_newest_first, parse_filter
from shared.domain.parameters import unsupported, whole_number_text

MAX_LIST = 100
DEFAULT_LIST = 20
_LAST_SECOND = 253_402_300_799


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchQuery:
    """A page, and what its batches must be."""

    page: Page
    condition: Condition


def parse_batch_query(query: Mapping[str, str], dialect: Dialect) -> BatchQuery:
    """Raises InvalidRequest. Parameters left empty count as absent, and all of them must hold."""
    page = parse_page(query, parse_batch_id, default=DEFAULT_LIST, most=MAX_LIST)
    parts = [part for name, text in query.items() if text and (part := _condition(name, text))]
    if dialect.reads_odata and (text := query.get("$filter")):
        parts.append(parse_filter(text))
    if dialect.reads_odata and (text := query.get("$orderby")):
        page = Page(limit=page.limit, after=page.after, newest_first=is_newest_first(text))
    return BatchQuery(page=page, condition=AllOf(tuple(parts)))


def _condition(name: str, text: str) -> Condition | None:
    match name:
        case "status":
            if text not in set(Status):
                raise unsupported("status", text, Status)
            return HasStatus(status=Status(text))
        case "created_after":
            return CreatedWithin(first=_seconds(name, text) + 1)
        case "created_before":
            return CreatedWithin(last=_seconds(name, text) - 1)
    if name.startswith("metadata[") and name.endswith("]"):
        return HasMetadata(key=name[len("metadata[") : -1], value=text)
    return None


def _seconds(name: str, text: str) -> int:
    return whole_number_text(name, text, 0, _LAST_SECOND)
