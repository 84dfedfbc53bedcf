"""Events, what is owed to whom, and how long it is tried (contract 8.1, 8.2)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.batches.batch import TERMINAL, Batch, Status
from shared.domain.vendors.vendor import Vendor
from shared.domain.webhooks.delivery import GIVEN_UP_AFTER, LONGEST_PAUSE, Answered, new_delivery, next_pause
from shared.domain.webhooks.endpoint import OLD_SECRET_LIFE, Changes, rotated, updated
from shared.domain.webhooks.event import EventType, batch_ended, encode_event
from tests.contracts.samples import START, a_batch, a_webhook_endpoint, an_id

FIVE_SECONDS = timedelta(seconds=5)


def ended_batch(status: Status = Status.COMPLETED, **changes: object) -> Batch:
    return a_batch(1, status=status, **{f"{status}_at": START + timedelta(hours=1)}, **changes)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_the_body_of_an_event(status: Status) -> None:
    """Exactly the keys of contract 8.1; `created_at` is the time of the change of state."""
    body = json.loads(encode_event(batch_ended(ended_batch(status))))

    assert body.pop("id").startswith("evt_")
    assert body == {
        "object": "event",
        "created_at": int((START + timedelta(hours=1)).timestamp()),
        "type": f"batch.{status}",
        "data": {"id": f"batch_{an_id(1)}"},
    }


def test_azure_batches_are_named_as_azure_names_them() -> None:
    """`data.id` is the id that the creator of the batch was given."""
    event = batch_ended(ended_batch(vendor=Vendor.AZURE))

    assert len(str(event.data["id"]).removeprefix("batch_")) == 36


@pytest.mark.parametrize("status", sorted(set(Status) - TERMINAL))
def test_running_batches_have_no_event(status: Status) -> None:
    """None for `in_progress`, none for `finalizing`."""
    with pytest.raises(ValueError, match="batch."):
        batch_ended(a_batch(1, status=status))


def test_ids_follow_from_what_they_are_about() -> None:
    """The same delivery again has the same ids; another batch, type or endpoint has others."""
    endpoint, other = a_webhook_endpoint(1), a_webhook_endpoint(2)
    batches = [ended_batch(), ended_batch(Status.FAILED), a_batch(2, status=Status.COMPLETED)]
    ids = [new_delivery(batch, to, START).id for batch in batches for to in (endpoint, other)]

    assert len(set(ids)) == len(ids)
    assert new_delivery(ended_batch(), endpoint, START + timedelta(days=1)).id == ids[0]


def test_nothing_is_owed_to_who_did_not_ask() -> None:
    """Only the event types of the endpoint."""
    endpoint = a_webhook_endpoint(1, event_types=(EventType.BATCH_FAILED,))

    assert new_delivery(ended_batch(), endpoint, START) is None


@pytest.mark.parametrize(("status", "success"), [(200, True), (204, True), (299, True), (199, False), (301, False)])
def test_only_2xx_is_success(status: int, success: bool) -> None:
    """A redirect is a failure (contract 8.2)."""
    assert Answered(status).is_success is success


def pauses(first_attempt_after: timedelta) -> tuple[list[float], timedelta]:
    """In seconds, of a delivery whose every attempt fails at once; and how old the event is at the last."""
    age, found = first_attempt_after, []
    while (pause := next_pause(len(found) + 1, age, FIVE_SECONDS, 0.0)) is not None:
        found.append(pause.total_seconds())
        age += pause
    return found, age


@pytest.mark.parametrize("late", [timedelta(), timedelta(seconds=36), timedelta(hours=5)])
def test_pauses_double(late: timedelta) -> None:
    """From the shortest to the longest, however late the first attempt; for three days and not longer."""
    found, last = pauses(late)

    assert found[:12] == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240]
    assert set(found[12:-1]) == {LONGEST_PAUSE.total_seconds()}
    assert last == GIVEN_UP_AFTER
    assert 30 < len(found) < 40


@given(
    failures=st.integers(1, 10_000),
    age=st.timedeltas(min_value=timedelta(seconds=-10), max_value=GIVEN_UP_AFTER - timedelta(seconds=1)),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_jitter_adds_at_most_a_fifth(failures: int, age: timedelta, jitter: float) -> None:
    """And never makes a pause shorter than the shortest."""
    plain = next_pause(failures, age, FIVE_SECONDS, 0.0)
    jittered = next_pause(failures, age, FIVE_SECONDS, jitter)

    assert FIVE_SECONDS <= plain <= jittered <= plain * 1.2


def test_a_shortest_pause_above_the_longest_is_kept() -> None:
    """What an operator asks for is what there is."""
    day = timedelta(days=1)

    assert [next_pause(failures, timedelta(), day, 0.0) for failures in (1, 2)] == [day, day]


def test_a_rotation_without_wish_voids_the_old_secret() -> None:
    """At once."""
    endpoint = rotated(a_webhook_endpoint(1), "new", START, keep_old=False)

    assert endpoint.secrets(START) == ["new"]


def test_the_old_secret_signs_for_a_day_on_request() -> None:
    """Beside the new one, and not a moment longer."""
    old = a_webhook_endpoint(1)
    endpoint = rotated(old, "new", START, keep_old=True)

    assert endpoint.secrets(START + OLD_SECRET_LIFE - timedelta(seconds=1)) == ["new", old.secret]
    assert endpoint.secrets(START + OLD_SECRET_LIFE) == ["new"]


def test_unchanged_updates_leave_updated_at() -> None:
    """Documented by the SDK."""
    endpoint = a_webhook_endpoint(1)

    assert updated(endpoint, Changes(name=endpoint.name), START + timedelta(days=1)) is endpoint


def test_secrets_and_urls_are_in_no_repr() -> None:
    """What is logged shows neither."""
    endpoint = a_webhook_endpoint(1, url="https://example.com/token")

    assert endpoint.secret not in repr(endpoint)
    assert "token" not in repr(endpoint)
