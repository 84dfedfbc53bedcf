"""Reading the batches of a page from the store when not every batch belongs on it.

Rule of this file: the work of one call is bounded. A page that could not be filled in that work says `has_more`; an
SDK goes on from its last batch, and an empty page (nothing in `MOST_IN_VAIN` records) gives a position to go on from.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.batches.batch_query import BatchQuery
from shared.domain.batches.batch import Batch
from shared.domain.batches.batch_filter import ANY_TIME, EVERYTHING, CreatedWithin, created_range, matches
from shared.ports import BatchStore

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


async def search(store: BatchStore, owner: str, query: BatchQuery) -> Found:
    """Up to `limit` batches of the owner that match, in the page's order."""
    page, within = query.page, created_range(query.condition)
    if within.is_empty:
        return Found(batches=[], position=None)
    wanted = page.limit + 1
    at_once = wanted if query.condition == EVERYTHING else READ_AT_ONCE
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
        if read >= (MOST_READ if found else MOST_IN_VAIN):
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
