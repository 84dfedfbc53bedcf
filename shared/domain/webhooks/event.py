"""Webhook events: what is told, of the end of a batch or of money, and its bytes on the wire (contract 8.1). Pure.

Rule of this file: an event follows from the batch record, or from what its delivery keeps, alone: so it is the same
bytes under the same id however often and wherever it is made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final

import msgspec

from shared.domain import ids
from shared.domain.batches.batch import Batch
from shared.domain.keys.project import DEFAULT_PROJECT, spell_project_id
from shared.domain.usage.spend_alert import spell_alert_id
from shared.domain.usage.spend_limit import Interval


class EventType(StrEnum):
    """Every event that an endpoint can ask for: one for each terminal state of a batch, and of spend alerts."""

    BATCH_CANCELLED = "batch.cancelled"
    BATCH_COMPLETED = "batch.completed"
    BATCH_EXPIRED = "batch.expired"
    BATCH_FAILED = "batch.failed"
    SPEND_ALERT_REACHED = "spend_alert.reached"


BATCH_EVENTS: Final = tuple(each for each in EventType if each.startswith("batch."))


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Contract 8.1. `id` is canonical; ids in `data` are as callers see them."""

    id: str
    type: EventType
    created_at: datetime
    data: Mapping[str, str | int]


class ReachedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """A spend alert of a project, as it was when it was found reached in the window that begins with `window`."""

    event_id: str
    alert_id: str
    project_id: str
    currency: str
    interval: Interval
    threshold_amount: int
    window: date
    at: datetime


def batch_ended(batch: Batch) -> Event:
    """What happened to a batch in a terminal state. Raises ValueError in any other."""
    event_type = EventType(f"batch.{batch.status}")
    ended_at: datetime | None = getattr(batch, f"{batch.status}_at")
    return Event(
        id=ids.derived_id(batch.created_at, batch.id, event_type),
        type=event_type,
        created_at=ended_at or batch.created_at,
        data={"id": batch.rules.batch_id(batch.id)},
    )


def alert_reached(alert: ReachedAlert) -> Event:
    """Not how much is spent: that is asked for with a key."""
    return Event(
        id=alert.event_id,
        type=EventType.SPEND_ALERT_REACHED,
        created_at=alert.at,
        data={
            "id": spell_alert_id(alert.alert_id),
            "project_id": spell_project_id(alert.project_id),
            "currency": alert.currency,
            "interval": alert.interval.value,
            "threshold_amount": alert.threshold_amount,
            "window": alert.window.isoformat(),
        },
    )


def sample_event(event_id: str, event_type: EventType, now: datetime) -> Event:
    """An event for a test delivery; its batch, or alert, does not exist."""
    if event_type in BATCH_EVENTS:
        return Event(id=event_id, type=event_type, created_at=now, data={"id": f"batch_{'0' * 32}"})
    return alert_reached(
        ReachedAlert(
            event_id=event_id,
            alert_id="0" * 32,
            project_id=DEFAULT_PROJECT,
            currency="USD",
            interval=Interval.MONTH,
            threshold_amount=1,
            window=now.date().replace(day=1),
            at=now,
        )
    )


def encode_event(event: Event) -> bytes:
    """The body of a delivery."""
    return msgspec.json.encode(
        {
            "id": f"evt_{event.id}",
            "object": "event",
            "created_at": int(event.created_at.timestamp()),
            "type": event.type,
            "data": event.data,
        }
    )
