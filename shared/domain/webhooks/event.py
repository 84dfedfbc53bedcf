"""Webhook events: what is told when a batch has ended, and its bytes on the wire (contract 8.1). Pure.

Rule of this file: an event follows from the batch record alone, so that it is the same bytes under the same id however
often and wherever it is made again.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.domain import ids
from shared.domain.batches.batch import Batch


class EventType(StrEnum):
    """Every event that an endpoint can ask for: one for each terminal state of a batch."""

    BATCH_CANCELLED = "batch.cancelled"
    BATCH_COMPLETED = "batch.completed"
    BATCH_EXPIRED = "batch.expired"
    BATCH_FAILED = "batch.failed"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Contract 8.1. `id` is canonical; `batch_id` is as the batch's own dialect spells it."""

    id: str
    type: EventType
    created_at: datetime
    batch_id: str


def batch_ended(batch: Batch) -> Event:
    """What happened to a batch in a terminal state. Raises ValueError in any other."""
    event_type = EventType(f"batch.{batch.status}")
    ended_at: datetime | None = getattr(batch, f"{batch.status}_at")
    return Event(
        id=ids.derived_id(batch.created_at, batch.id, event_type),
        type=event_type,
        created_at=ended_at or batch.created_at,
        batch_id=batch.rules.batch_id(batch.id),
    )


def sample_event(event_id: str, event_type: EventType, now: datetime) -> Event:
    """An event for a test delivery; its batch does not exist."""
    return Event(id=event_id, type=event_type, created_at=now, batch_id=f"batch_{'0' * 32}")


def encode_event(event: Event) -> bytes:
    """The body of a delivery."""
    return msgspec.json.encode(
        {
            "id": f"evt_{event.id}",
            "object": "event",
            "created_at": int(event.created_at.timestamp()),
            "type": event.type,
            "data": {"id": event.batch_id},
        }
    )
