"""The life cycle of a batch: the transition table, event by event and state by state (contract 2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.batches.batch import (
    TERMINAL,
    TRANSITIONS,
    Batch,
    BatchError,
    CancelRequested,
    Event,
    Finished,
    Refused,
    RequestsDone,
    RunLost,
    Status,
    Stopped,
    UsageWritten,
    Validated,
    apply,
)
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.live_counts import with_progress
from shared.domain.batches.wishes import PauseWished, ResumeWished, TermsWished
from shared.domain.deployments.price import Price, Rates
from shared.domain.errors import WrongState
from shared.domain.keys.priority import Priority
from shared.domain.usage.tokens import TokenMethod
from shared.domain.usage.usage import Usage
from shared.domain.vendors.vendor import Vendor

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOW = START + timedelta(minutes=5)
BATCH = Batch(
    id="0" * 32,
    owner="someone",
    vendor=Vendor.OPENAI,
    endpoint="/v1/chat/completions",
    input_file_id="1" * 32,
    input_blob="files/1",
    completion_window="24h",
    created_at=START,
    expires_at=START + timedelta(hours=24),
)
PRICE = Price(rates=Rates(input=3))
EVENTS: dict[str, Event] = {
    "validated": Validated(
        deployment="small",
        total=9,
        chunks=2,
        input_tokens=70,
        token_method=TokenMethod.O200K_BASE,
        price=PRICE,
        expected_picos=7,
    ),
    "refused": Refused(errors=(BatchError(code="empty_file", message="Empty."),)),
    "cancel": CancelRequested(),
    "stopped": Stopped(errors=(BatchError(code="project_spend_limit_exceeded", message="Reached."),)),
    "done": RequestsDone(),
    "lost": RunLost(progress="p"),
    "written": UsageWritten(),
    "pause": PauseWished(),
    "resume": ResumeWished(),
    "terms": TermsWished(priority=Priority.HIGH),
    "finished": Finished(
        completed=7, failed=1, usage=Usage(input_tokens=5), model="m-1", output_file_id="o", error_file_id="e"
    ),
}
# Contract 2.1 and 2.2, in words; what is not here must raise.
ALLOWED = {
    **{("written", status.value): status.value for status in TERMINAL},
    **{(wish, status): status for wish in ("pause", "resume", "terms") for status in ("validating", "in_progress")},
    ("validated", "validating"): "in_progress",
    ("refused", "validating"): "failed",
    ("refused", "in_progress"): "failed",
    ("refused", "cancelling"): "cancelled",
    ("stopped", "in_progress"): "cancelling",
    ("cancel", "validating"): "cancelling",
    ("cancel", "in_progress"): "cancelling",
    ("cancel", "cancelling"): "cancelling",
    ("cancel", "cancelled"): "cancelled",
    ("done", "in_progress"): "finalizing",
    ("lost", "validating"): "validating",
    ("lost", "in_progress"): "in_progress",
    ("lost", "finalizing"): "finalizing",
    ("lost", "cancelling"): "cancelling",
    ("finished", "finalizing"): "completed",
    ("finished", "in_progress"): "expired",
    ("finished", "cancelling"): "cancelled",
}


AGES = {"expiry": 86_400, "end": 100_000}  # Seconds after creation.


def in_state(status: Status) -> Batch:
    return msgspec.structs.replace(BATCH, status=status)


@pytest.mark.parametrize(("event", "status"), list(product(EVENTS, Status)))
def test_every_event_in_every_state_moves_as_the_contract_says_or_raises(event: str, status: Status) -> None:
    """All pairs of the table."""
    expected = ALLOWED.get((event, status.value))
    if expected is None:
        with pytest.raises(WrongState):
            apply(in_state(status), EVENTS[event], NOW)
    else:
        assert apply(in_state(status), EVENTS[event], NOW).status == expected


@pytest.mark.parametrize(("in_progress_after", "expected_after"), [(0, 86_400), (90_000, 90_000)])
def test_an_expired_batch_was_finalized_from_its_deadline_on(in_progress_after: int, expected_after: int) -> None:
    """Recorded: `finalizing_at` is set, at `expires_at` (contract 9.3); between `in_progress_at` and `expired_at`."""
    at = {name: BATCH.created_at + timedelta(seconds=seconds) for name, seconds in AGES.items()}
    begun = BATCH.created_at + timedelta(seconds=in_progress_after)
    running = msgspec.structs.replace(BATCH, status=Status.IN_PROGRESS, in_progress_at=begun, expires_at=at["expiry"])
    expired = apply(running, EVENTS["finished"], at["end"])

    assert (expired.finalizing_at, expired.expired_at) == (
        BATCH.created_at + timedelta(seconds=expected_after),
        at["end"],
    )


def test_the_table_knows_every_event() -> None:
    """A new event without a row would raise KeyError instead of WrongState."""
    assert set(TRANSITIONS) == {type(event) for event in EVENTS.values()}


@pytest.mark.parametrize("status", [Status.CANCELLING, Status.CANCELLED])
def test_cancelling_again_changes_nothing(status: Status) -> None:
    """Contract 2.2: the same object, so that nothing is written."""
    batch = in_state(status)
    assert apply(batch, CancelRequested(), NOW) is batch


@pytest.mark.parametrize("status", ["completed", "failed", "expired", "finalizing"])
def test_what_cannot_be_cancelled_says_so_literally(status: str) -> None:
    """Contract 1.3."""
    with pytest.raises(WrongState) as caught:
        apply(in_state(Status(status)), CancelRequested(), NOW)
    assert caught.value.message == f"Cannot cancel a batch with status '{status}'."


@pytest.mark.parametrize(("event", "before"), [pair for pair in ALLOWED if ALLOWED[pair] != pair[1]])
def test_a_move_sets_the_timestamp_of_its_new_state_alone(event: str, before: str) -> None:
    """Contract 2.3; at an expiry `finalizing_at` as well (contract 9.3)."""
    after = apply(in_state(Status(before)), EVENTS[event], NOW)
    stamped = {name for name in Batch.__struct_fields__ if name.endswith("_at") and getattr(after, name) == NOW}
    assert stamped - {"finalizing_at" if after.status is Status.EXPIRED else ""} == {f"{after.status.value}_at"}


def test_validated_takes_over_what_the_pass_found() -> None:
    """Contract 2.4: `total` is known from `in_progress` on."""
    after = apply(BATCH, EVENTS["validated"], NOW)
    assert (after.deployment, after.total, after.chunks, after.input_tokens) == ("small", 9, 2, 70)
    assert after.token_method is TokenMethod.O200K_BASE
    assert (after.price, after.expected_picos) == (PRICE, 7)


def test_finished_takes_over_counts_usage_and_files() -> None:
    """Contract 2.4, 2.5, 2.7."""
    after = apply(in_state(Status.FINALIZING), EVENTS["finished"], NOW)
    assert (after.completed, after.failed, after.usage, after.model) == (7, 1, Usage(input_tokens=5), "m-1")
    assert (after.output_file_id, after.error_file_id) == ("o", "e")


def test_a_stopped_batch_keeps_its_reasons() -> None:
    """Until its end and in it, whatever else its end has to say; a caller's cancel changes nothing of it."""
    stopped = apply(in_state(Status.IN_PROGRESS), EVENTS["stopped"], NOW)
    folder = BatchError(code="output_no_permissions", message="No.")
    ended = apply(stopped, msgspec.structs.replace(EVENTS["finished"], errors=(folder,)), NOW)

    assert (stopped.is_stopped, in_state(Status.CANCELLING).is_stopped) == (True, False)
    assert apply(stopped, CancelRequested(), NOW) is stopped
    assert (ended.status, ended.errors) == (Status.CANCELLED, (*stopped.errors, folder))


def test_a_refusal_after_validation_looks_like_one_during_it() -> None:
    """Contract 2.3, 2.4: a quota refusal leaves no `in_progress_at` and all counts zero."""
    validated = apply(BATCH, EVENTS["validated"], START + timedelta(seconds=1))
    after = apply(validated, EVENTS["refused"], NOW)
    assert (after.in_progress_at, after.total, after.failed_at) == (None, 0, NOW)
    assert (after.input_tokens, after.token_method) == (0, None)
    assert (after.price, after.expected_picos) == (None, None)


def test_a_cancelled_batch_has_no_errors() -> None:
    """What was wrong with its file no longer matters."""
    assert apply(in_state(Status.CANCELLING), EVENTS["refused"], NOW).errors == ()


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=12))
def test_no_sequence_of_events_leaves_a_terminal_state(names: list[str]) -> None:
    """Whatever arrives late, ended is ended, and timestamps never go back."""
    batch, now, ended = BATCH, START, None
    for name in names:
        now += timedelta(seconds=1)
        try:
            after = apply(batch, EVENTS[name], now)
        except WrongState:
            continue
        assert ended is None or after == ended
        batch = after
        ended = after if after.is_terminal else None
    assert batch.is_terminal == (batch.status in TERMINAL)


def row(index: int, completed: int, failed: int, model: str | None = None) -> ChunkRow:
    usage = Usage(input_tokens=10, cached_tokens=1, output_tokens=5, reasoning_tokens=2)
    return ChunkRow(batch_id=BATCH.id, index=index, completed=completed, failed=failed, usage=usage, model=model)


def test_progress_sums_the_chunk_rows() -> None:
    """A running batch shows counts, usage and the first model that answered."""
    seen = with_progress(in_state(Status.IN_PROGRESS), [row(0, 3, 1), row(1, 4, 0, "m-1")])
    assert (seen.completed, seen.failed, seen.model) == (7, 1, "m-1")
    assert seen.usage == Usage(input_tokens=20, cached_tokens=2, output_tokens=10, reasoning_tokens=4)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_progress_leaves_an_ended_batch_alone(status: Status) -> None:
    """Its counts are final in the record."""
    batch = in_state(status)
    assert with_progress(batch, [row(0, 3, 1)]) is batch


@pytest.mark.parametrize(("vendor", "kept"), [(Vendor.OPENAI, False), (Vendor.AZURE, True), (Vendor.DEEPINFRA, False)])
def test_only_azure_keeps_result_files_without_lines(vendor: Vendor, kept: bool) -> None:
    """Contract 2.5."""
    assert msgspec.structs.replace(BATCH, vendor=vendor).rules.keeps_empty_files is kept


@pytest.mark.parametrize(("vendor", "deadline"), [(Vendor.OPENAI, BATCH.expires_at), (Vendor.AZURE, None)])
def test_only_openai_batches_expire(vendor: Vendor, deadline: datetime | None) -> None:
    """Contract 2.6."""
    assert msgspec.structs.replace(BATCH, vendor=vendor).deadline() == deadline


@pytest.mark.parametrize(
    ("vendor", "wish", "expected"),
    [
        (Vendor.OPENAI, None, NOW + timedelta(days=30)),
        (Vendor.OPENAI, 3600, NOW + timedelta(hours=1)),
        (Vendor.AZURE, None, None),
        (Vendor.AZURE, 1_209_600, NOW + timedelta(days=14)),
    ],
)
def test_result_files_expire_from_their_own_creation(
    vendor: Vendor, wish: int | None, expected: datetime | None
) -> None:
    """Contract 2.6."""
    batch = msgspec.structs.replace(BATCH, vendor=vendor, output_expires_after_seconds=wish)
    assert batch.result_expiry(NOW, 2_592_000) == expected
