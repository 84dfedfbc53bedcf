"""Conditions on batches, for lists: whether a batch matches, and which creation times can match at all.

Rule of this file: a condition sees what a caller sees, so times are whole unix seconds. How conditions are written is
not known here (`odata_filter`, `api/batches/batch_list.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.batches.batch import Batch, Status

_LATEST = 253_402_300_799  # The last second of the year 9999.


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedWithin:
    """Created in the seconds from `first` to `last`, both included."""

    first: int = 0
    last: int = _LATEST

    def __and__(self, other: CreatedWithin) -> CreatedWithin:
        return CreatedWithin(first=max(self.first, other.first), last=min(self.last, other.last))

    def hull(self, other: CreatedWithin) -> CreatedWithin:
        """The smallest range that holds both."""
        return CreatedWithin(first=min(self.first, other.first), last=max(self.last, other.last))

    @property
    def is_empty(self) -> bool:
        return self.first > self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class HasStatus:
    """In this state."""

    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class HasMetadata:
    """With this pair in its metadata."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfModel:
    """Its requests name this model, or its answers do: an upstream may answer with a name of its own."""

    name: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part matches; without parts, any batch."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part matches."""

    parts: tuple[Condition, ...]


Condition = CreatedWithin | HasStatus | HasMetadata | OfModel | AllOf | AnyOf

ANY_TIME = CreatedWithin()
EVERYTHING = AllOf()
_NO_TIME = CreatedWithin(first=_LATEST, last=0)


def matches(condition: Condition, batch: Batch) -> bool:
    match condition:
        case CreatedWithin(first=first, last=last):
            return first <= int(batch.created_at.timestamp()) <= last
        case HasStatus(status=status):
            return batch.status is status
        case HasMetadata(key=key, value=value):
            return (batch.metadata or {}).get(key) == value
        case OfModel(name=name):
            return name in (batch.deployment, batch.model)
        case AllOf(parts):
            return all(matches(part, batch) for part in parts)
        case AnyOf(parts):
            return any(matches(part, batch) for part in parts)


def created_range(condition: Condition) -> CreatedWithin:
    """Outside of it nothing matches: what lets a search begin late and end early."""
    match condition:
        case CreatedWithin():
            return condition
        case AllOf(parts):
            within = ANY_TIME
            for part in parts:
                within &= created_range(part)
            return within
        case AnyOf(parts):
            ranges = [found for part in parts if not (found := created_range(part)).is_empty]
            within = ranges[0] if ranges else _NO_TIME
            for found in ranges[1:]:
                within = within.hull(found)
            return within
        case _:
            return ANY_TIME
