"""Reports of usage: what is asked, and the buckets of time that answer it.

Rule of this file: whole buckets only. One that a report begins or ends in is shown as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from shared.domain.usage.ledger import Amounts, Tally, Width, start_of, total


class ReportKind(StrEnum):
    """OpenAI's reports of usage; each endpoint counts in one at most."""

    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"
    IMAGES = "images"


class Used(NamedTuple):
    """What a project used in the bucket of time that begins at `start`."""

    start: datetime
    project: str
    tally: Tally


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """None: all of them. An empty set: none."""

    projects: frozenset[str] | None = None
    keys: frozenset[str] | None = None
    models: frozenset[str] | None = None
    endpoints: frozenset[str] | None = None

    @property
    def only_project(self) -> str | None:
        return next(iter(self.projects)) if self.projects is not None and len(self.projects) == 1 else None

    def takes(self, used: Used) -> bool:
        tally = used.tally
        wanted = (self.projects, self.keys, self.models, self.endpoints)
        found = (used.project, tally.key_id, tally.model, tally.endpoint)
        return all(some is None or one in some for some, one in zip(wanted, found, strict=True))


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What a result is of; None: not asked for, or nobody's."""

    project: str | None = None
    key_id: str | None = None
    model: str | None = None


class GroupBy(msgspec.Struct, frozen=True, kw_only=True):
    """What results are told apart by."""

    project: bool = False
    key: bool = False
    model: bool = False

    def group_of(self, used: Used) -> Group:
        return Group(
            project=used.project if self.project else None,
            key_id=used.tally.key_id if self.key else None,
            model=used.tally.model if self.model else None,
        )


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Whole buckets from `first` on, up to `until`; both begin one."""

    width: Width
    first: datetime
    until: datetime

    @property
    def starts(self) -> list[datetime]:
        count = (self.until - self.first) // self.width.length
        return [self.first + number * self.width.length for number in range(count)]


class Bucket(NamedTuple):
    """One bucket of time, and its results in order of their groups."""

    start: datetime
    end: datetime
    results: list[tuple[Group, Amounts]]


def whole_buckets(start: datetime, end: datetime, width: Width) -> Span:
    """The buckets that the time from `start` on and before `end` is in; at least one."""
    first, last = start_of(start, width), start_of(end, width)
    return Span(width=width, first=first, until=last if first < last == end else last + width.length)


def buckets(span: Span, used: Iterable[Used], which: Filter, by: GroupBy) -> list[Bucket]:
    """One for each bucket of the span, also where nothing was used."""
    found: defaultdict[datetime, defaultdict[Group, list[Amounts]]] = defaultdict(lambda: defaultdict(list))
    for one in used:
        if which.takes(one):
            found[one.start][by.group_of(one)].append(one.tally.amounts)
    return [
        Bucket(start, start + span.width.length, _results(found[start]) if start in found else [])
        for start in span.starts
    ]


def _results(groups: dict[Group, list[Amounts]]) -> list[tuple[Group, Amounts]]:
    ordered = sorted(groups, key=lambda group: (group.project or "", group.key_id or "", group.model or ""))
    return [(group, total(groups[group])) for group in ordered]


def by_line_item(used: Iterable[Used]) -> Iterator[Used]:
    """What is charged for, each item apart, with `gpt-5-mini, input_tokens` as its model."""
    for one in used:
        for charge in one.tally.amounts.charges:
            name = f"{one.tally.model}, {charge.item}"
            tally = msgspec.structs.replace(one.tally, model=name, amounts=Amounts(charges=(charge,)))
            yield one._replace(tally=tally)
