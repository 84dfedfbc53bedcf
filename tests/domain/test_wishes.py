"""What callers may still wish of a batch that has not ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.batches.batch import Batch, Event, Status, apply
from shared.domain.batches.wishes import (
    PauseWished,
    ResumeWished,
    TermsWished,
    as_wished,
    parse_terms,
    worked_seconds,
)
from shared.domain.errors import InvalidRequest, WrongState
from shared.domain.keys.priority import Priority
from shared.domain.vendors.vendor import Vendor
from tests.contracts.samples import START, a_batch

WINDOWS = {"1h": 3600, "24h": 86_400}
RUNNING = a_batch(1, status=Status.IN_PROGRESS, created_at=START, in_progress_at=START)


def at(seconds: float) -> Any:
    return START + timedelta(seconds=seconds)


def after(batch: Batch, *wishes: tuple[float, Event]) -> Batch:
    for seconds, wish in wishes:
        batch = apply(batch, wish, at(seconds))
    return batch


def test_a_pause_leaves_state_and_deadline() -> None:
    """Only that it is paused, and since when; wished again, nothing changes."""
    paused = after(RUNNING, (10, PauseWished()))

    assert paused == msgspec.structs.replace(RUNNING, paused_at=at(10))
    assert paused.is_paused
    assert apply(paused, PauseWished(), at(20)) is paused
    assert as_wished(paused) != as_wished(RUNNING)


def test_a_resumed_batch_is_as_before() -> None:
    """But for the time that it was paused, which is not counted as work."""
    resumed = after(RUNNING, (10, PauseWished()), (40, ResumeWished()), (50, PauseWished()), (55, ResumeWished()))

    assert resumed == msgspec.structs.replace(RUNNING, paused_seconds=35.0)
    assert worked_seconds(resumed, at(100)) == 65
    assert apply(resumed, ResumeWished(), at(60)) is resumed
    assert as_wished(resumed) == as_wished(RUNNING)


def test_work_counts_from_the_begin_and_stands_in_a_pause() -> None:
    """A pause before the batch is in progress takes nothing away from it."""
    validating = msgspec.structs.replace(RUNNING, status=Status.VALIDATING, in_progress_at=None)
    paused = after(validating, (10, PauseWished()))
    begun = msgspec.structs.replace(paused, status=Status.IN_PROGRESS, in_progress_at=at(30))

    assert worked_seconds(paused, at(20)) == worked_seconds(begun, at(90)) == 0
    assert worked_seconds(after(begun, (90, ResumeWished())), at(100)) == 10


@pytest.mark.parametrize("status", [status for status in Status if status not in ("validating", "in_progress")])
def test_what_ends_is_not_paused_any_more(status: Status) -> None:
    """Nor can it be paused, resumed or changed."""
    batch = msgspec.structs.replace(RUNNING, status=status, paused_at=START)

    assert not batch.is_paused
    for verb, wish in (("pause", PauseWished()), ("resume", ResumeWished()), ("change", TermsWished())):
        with pytest.raises(WrongState, match=f"^Cannot {verb} a batch with status '{status}'.$"):
            apply(batch, wish, START)


def test_other_terms() -> None:
    """The window counts from creation; what is not said stays, and what is so already changes nothing."""
    changed = after(RUNNING, (10, TermsWished(completion_window="1h", window_seconds=3600)))
    urgent = after(RUNNING, (10, TermsWished(priority=Priority.HIGH)))

    assert changed == msgspec.structs.replace(RUNNING, completion_window="1h", expires_at=at(3600))
    assert urgent == msgspec.structs.replace(RUNNING, priority=Priority.HIGH)
    assert apply(urgent, TermsWished(priority=Priority.HIGH), at(20)) is urgent


@pytest.mark.parametrize(("vendor", "is_refused"), [(Vendor.OPENAI, True), (Vendor.AZURE, False)])
def test_a_window_that_is_over(vendor: Vendor, is_refused: bool) -> None:
    """The batch would expire at once; Azure's never do (contract 2.6)."""
    batch, wish = (
        msgspec.structs.replace(RUNNING, vendor=vendor),
        TermsWished(completion_window="1h", window_seconds=3600),
    )
    if not is_refused:
        assert apply(batch, wish, at(3600)).completion_window == "1h"
        return
    with pytest.raises(InvalidRequest, match="Choose a longer one, or cancel the batch") as refused:
        apply(batch, wish, at(3600))
    assert refused.value.param == "completion_window"


def test_terms_as_they_are_sent() -> None:
    """One of both, or both; null is as if left out."""
    assert parse_terms({"priority": "high", "completion_window": None}, WINDOWS, Priority.HIGH) == TermsWished(
        priority=Priority.HIGH
    )
    assert parse_terms({"completion_window": "1h"}, WINDOWS, Priority.HIGH) == TermsWished(
        completion_window="1h", window_seconds=3600
    )


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({}, "priority", "missing_required_parameter"),
        ({"priorty": "high"}, "priority", "missing_required_parameter"),
        ({"priority": "urgent"}, "priority", "invalid_value"),
        ({"priority": "high"}, "priority", "priority_not_allowed"),
        ({"completion_window": "2h"}, "completion_window", "invalid_value"),
        ({"completion_window": 24}, "completion_window", "invalid_type"),
    ],
)
def test_a_mistake_in_the_terms(fields: dict[str, Any], param: str, code: str) -> None:
    """It names its field; the key here allows no more than normal."""
    with pytest.raises(InvalidRequest) as refused:
        parse_terms(fields, WINDOWS, Priority.NORMAL)

    assert (refused.value.param, refused.value.code) == (param, code)
