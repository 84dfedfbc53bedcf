"""Lists of batches: what a caller narrows them to, and reading a page when not every batch belongs on it.

The filters of our own (extensions, docs/api.md) are `status`, `model`, `metadata[key]`, `created_after` and
`created_before`, in every dialect; Azure's have `$filter` and `$orderby`. The work of one call is bounded. A page that
could not be filled in that work says `has_more`; an SDK goes on from its last batch, and an empty page (nothing in
`MOST_IN_VAIN` records) gives a position to go on from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.edge.dialect import Dialect, parse_batch_id
from api.edge.query import Page, parse_page
from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.batch_filter import (
    ANY_TIME,
    EVERYTHING,
    AllOf,
    AnyOf,
    Condition,
    CreatedWithin,
    HasMetadata,
    HasStatus,
    OfModel,
    created_range,
    matches,
)
from shared.domain.batches.odata_filter import is_newest_first, parse_filter
from shared.domain.parameters import unsupported, whole_number_text
from shared.ports.batches import BatchStore

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
            return AnyOf(tuple(HasStatus(status=_status(each.strip())) for each in text.split(",")))
        case "model":
            return OfModel(name=text)
        case "created_after":
            return CreatedWithin(first=_seconds(name, text) + 1)
        case "created_before":
            return CreatedWithin(last=_seconds(name, text) - 1)
    if name.startswith("metadata[") and name.endswith("]"):
        return HasMetadata(key=name[len("metadata[") : -1], value=text)
    return None


def _status(text: str) -> Status:
    if text not in set(Status):
        raise unsupported("status", text, Status)
    return Status(text)


def _seconds(name: str, text: str) -> int:
    return whole_number_text(name, text, 0, _LAST_SECOND)


READ_AT_ONCE = 500
MOST_READ = 2_000  # Records read for a page that has batches already.
MOST_IN_VAIN = 20_000  # SDKs take an empty page for the end (contract 1.6), so the search for a first batch is longer.


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The page's batches. `position` is the canonical id up to which was read, if there is more."""

    batches: list[Batch]
    position: str | None

    @property
    def has_more(self) -> bool:
        return self.position is not None


async def search(
    store: BatchStore,
    owner: str,
    query: BatchQuery,
    *,
    at_once: int = READ_AT_ONCE,
    most_read: int = MOST_READ,
    most_in_vain: int = MOST_IN_VAIN,
) -> Found:
    """Up to `limit` batches of the owner that match, in the page's order. The work is counted in records."""
    page, within = query.page, created_range(query.condition)
    if within.is_empty:
        return Found(batches=[], position=None)
    wanted = page.limit + 1
    at_once = wanted if query.condition == EVERYTHING else at_once
    after, found, read = _start(query, within), list[Batch](), 0
    while True:
        rows = await store.list(owner, after=after, limit=at_once, newest_first=page.newest_first)
        found += [row for row in rows if matches(query.condition, row)]
        read += len(rows)
        if len(found) >= wanted:
            return Found(batches=found[: page.limit], position=found[page.limit - 1].id)
        if len(rows) < at_once or _is_past(rows[-1], within, newest_first=page.newest_first):
            return Found(batches=found, position=None)
        after = rows[-1].id
        if read >= (most_read if found else most_in_vain):
            return Found(batches=found, position=after)


def _start(query: BatchQuery, within: CreatedWithin) -> str | None:
    """The later of the caller's position and the edge of the range: ids begin with their millisecond (`ids`)."""
    newest_first, after = query.page.newest_first, query.page.after
    if newest_first:
        edge = None if within.last == ANY_TIME.last else f"{(within.last + 1) * 1000:012x}{'0' * 20}"
        return min(after, edge) if after and edge else after or edge
    edge = None if within.first == 0 else f"{within.first * 1000 - 1:012x}{'f' * 20}"
    return max(after, edge) if after and edge else after or edge


def _is_past(batch: Batch, within: CreatedWithin, *, newest_first: bool) -> bool:
    created_at = int(batch.created_at.timestamp())
    return created_at < within.first if newest_first else created_at > within.last
