"""Deliveries: what an endpoint is to be told, the end of a batch or a spend alert, and how long that is tried. Pure.

Rule of this file: a delivery is written before the batch record becomes final and is sent only once that record says
what it announces; so nothing is announced that did not happen, and nothing that happened is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.domain import ids
from shared.domain.batches.batch import Batch
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.domain.webhooks.event import EventType, ReachedAlert, batch_ended

GIVEN_UP_AFTER = timedelta(hours=72)
LONGEST_PAUSE = timedelta(hours=3)
_MOST_DOUBLINGS = 20
OWN_START = timedelta(seconds=15)  # So long it is left to the run that notes it to start it.
SILENCE = timedelta(minutes=5)  # For so long beyond its pause a delivery may show no life.
KEPT = timedelta(days=7)  # An ended one stays this long, so that a repeated run announces nothing twice.


class DeliveryStatus(StrEnum):
    """`GIVEN_UP` after three days, or void: nothing is sent any more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """`due_at` is when the timer looks at it next: to start it, to see that it is alive, at last to remove it.

    `failures` counts attempts that failed, `last_failure` says how the newest did. `delivered` is known at its end.
    `alert` is what it tells, if that is no end of a batch; `batch_id` is empty then. Contract 8.2.
    """

    id: str
    owner: str
    batch_id: str
    event_type: EventType
    endpoint_id: str
    due_at: datetime
    failures: int = 0
    last_failure: str | None = None
    ended: bool = False
    alert: ReachedAlert | None = None
    delivered: bool | None = None

    @property
    def status(self) -> DeliveryStatus | None:
        """None where a note that has ended does not say how: it was written by an older version."""
        if not self.ended:
            return DeliveryStatus.PENDING
        how = {True: DeliveryStatus.DELIVERED, False: DeliveryStatus.GIVEN_UP}
        return None if self.delivered is None else how[self.delivered]

    @property
    def message_id(self) -> str:
        """`webhook-id`: the same for every attempt."""
        return f"wh_{self.id}"


def new_delivery(batch: Batch, endpoint: WebhookEndpoint, now: datetime) -> Delivery | None:
    """What the end of `batch` owes to the endpoint, under an id that follows from the two; None for nothing."""
    event = batch_ended(batch)
    if event.type not in endpoint.event_types:
        return None
    return Delivery(
        id=ids.derived_id(batch.created_at, batch.id, event.type, endpoint.id),
        owner=batch.owner,
        batch_id=batch.id,
        event_type=event.type,
        endpoint_id=endpoint.id,
        due_at=now + OWN_START,
    )


def new_alert_delivery(alert: ReachedAlert, endpoint: WebhookEndpoint) -> Delivery | None:
    """What a reached alert owes to the endpoint, at once, under an id that follows from the two; None for nothing."""
    if EventType.SPEND_ALERT_REACHED not in endpoint.asked:
        return None
    return Delivery(
        id=ids.derived_id(ids.created_at(alert.event_id), alert.event_id, endpoint.id),
        owner=endpoint.owner,
        batch_id="",
        event_type=EventType.SPEND_ALERT_REACHED,
        endpoint_id=endpoint.id,
        due_at=alert.at,
        alert=alert,
    )


def too_early(delivery: Delivery, now: datetime) -> Delivery:
    """The delivery as if it were noted only now: the batch record that it announces is not final yet."""
    return msgspec.structs.replace(delivery, due_at=now + OWN_START)


def failed(delivery: Delivery, how: str) -> Delivery:
    """`how` is a sentence for a person."""
    return msgspec.structs.replace(delivery, failures=delivery.failures + 1, last_failure=how)


def ended(delivery: Delivery, now: datetime, *, delivered: bool = False) -> Delivery:
    """Delivered, or else given up or void: nothing more is sent."""
    return msgspec.structs.replace(delivery, ended=True, delivered=delivered, due_at=now + KEPT)


def next_pause(failures: int, age: timedelta, shortest: timedelta, jitter: float) -> timedelta | None:
    """How long to wait after so many failed attempts, or None to give up; `age` is that of the event.

    Pauses double from `shortest` to `LONGEST_PAUSE`, whenever the first attempt was made. `jitter` is in [0, 1) and
    adds up to a fifth.
    """
    if age >= GIVEN_UP_AFTER:
        return None
    doubled: timedelta = shortest * 2 ** min(failures - 1, _MOST_DOUBLINGS)
    pause = max(min(doubled, LONGEST_PAUSE), shortest) * (1 + jitter / 5)
    return min(pause, max(GIVEN_UP_AFTER - age, shortest))


def is_stuck(delivery: Delivery, status: str, turned_at: datetime, now: datetime, shortest: timedelta) -> bool:
    """Whether its orchestration, in the durable host's `status` since its last turn, is without life.

    It takes a turn before and after each attempt; between two it sleeps for the pause that follows from `failures`.
    """
    if status == "Suspended":
        return False
    doubled: timedelta = shortest * 2 ** min(max(delivery.failures - 1, 0), _MOST_DOUBLINGS)
    pause = timedelta() if status == "Pending" else max(min(doubled, LONGEST_PAUSE), shortest) * 1.2
    return now - turned_at > pause + SILENCE


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:  # The URL may hold a token.
        return f"WebhookRequest({len(self.body)} bytes)"


class Answered(msgspec.Struct, frozen=True):
    """The receiver's HTTP status; everything else it said is not read."""

    status: int

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # A redirect is a failure (contract 8.2).

    @property
    def reason(self) -> str:
        return f"The receiver answered HTTP {self.status}."


class NoAnswer(msgspec.Struct, frozen=True):
    """Nothing was received, or nothing was sent. `reason` is a sentence for a person."""

    reason: str
