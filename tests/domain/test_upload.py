"""What may happen to an upload in parts, and when (contract 1.5.8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import get_args

import msgspec
import pytest

from shared.domain.errors import Unavailable, WrongState
from shared.domain.files.upload import (
    TRANSITIONS,
    CancelRequested,
    CheckFailed,
    CheckPassed,
    CompletionAsked,
    Event,
    FileMade,
    SweptBy,
    Upload,
    UploadStatus,
    apply,
    block_id,
    check_takes_part,
)
from tests.contracts.samples import START, a_part, an_id, an_upload

PARTS = (an_id(1), an_id(2))
SOON = START + timedelta(minutes=59, seconds=59)
LATE = START + timedelta(hours=1)


def checked(parts: tuple[str, ...] = PARTS) -> Upload:
    return apply(an_upload(), CompletionAsked(parts), START)


def settled() -> Upload:
    return apply(checked(), CheckPassed(PARTS, an_id(9)), START)


def ended(event: Event, upload: Upload | None = None) -> Upload:
    return apply(upload or an_upload(), event, START)


EVENTS: dict[str, Event] = {
    "asked": CompletionAsked(PARTS),
    "failed": CheckFailed(),
    "passed": CheckPassed(PARTS, an_id(8)),
    "made": FileMade(),
    "cancel": CancelRequested(),
    "swept": SweptBy(),
}
# Contract 1.5.8 in words, before the hour is over; what is not here must raise.
ALLOWED = {
    ("asked", "pending"): "checking",
    ("asked", "checking"): "checking",
    ("asked", "completing"): "completing",
    ("asked", "completed"): "completed",
    ("failed", "checking"): "pending",
    ("passed", "pending"): "completing",
    ("passed", "checking"): "completing",
    ("passed", "completing"): "completing",
    ("passed", "completed"): "completed",
    ("made", "completing"): "completed",
    ("made", "completed"): "completed",
    ("cancel", "pending"): "cancelled",
    ("cancel", "checking"): "cancelled",
    ("cancel", "cancelled"): "cancelled",
    **{("swept", status.value): status.value for status in UploadStatus},
}


@pytest.mark.parametrize(("event", "status"), list(product(EVENTS, UploadStatus)))
def test_every_event_in_every_state_moves_as_the_table_says_or_raises(event: str, status: UploadStatus) -> None:
    """All 36 pairs of the table; a refusal names the status that callers see."""
    upload = msgspec.structs.replace(an_upload(), status=status, part_ids=PARTS)
    expected = ALLOWED.get((event, status.value))
    if expected is None:
        shown = "completed" if status is UploadStatus.COMPLETING else status.value
        with pytest.raises(WrongState, match=f"with status '{shown}'"):
            apply(upload, EVENTS[event], SOON)
    else:
        assert apply(upload, EVENTS[event], SOON).status == expected


def test_the_table_knows_every_event() -> None:
    """A new event without a row would raise KeyError instead of WrongState."""
    assert set(TRANSITIONS) == {type(event) for event in EVENTS.values()} == set(get_args(Event))


@pytest.mark.parametrize(("event", "before"), [pair for pair in ALLOWED if ALLOWED[pair] == pair[1] != "checking"])
def test_what_moves_nowhere_changes_nothing(event: str, before: str) -> None:
    """An equal record, so that nothing is written."""
    upload = msgspec.structs.replace(an_upload(), status=UploadStatus(before), part_ids=PARTS)

    assert apply(upload, EVENTS[event], SOON) == upload


def test_each_completion_changes_the_record() -> None:
    """Also one that repeats the one before: its compare-and-swap tells the two apart."""
    assert apply(checked(), CompletionAsked(PARTS), SOON) != checked()


def test_a_completion_is_not_decided_with_another_ones_parts() -> None:
    """Whoever was overtaken by a completion with other parts has checked another file."""
    with pytest.raises(WrongState, match="with other parts"):
        apply(checked((an_id(3),)), CheckPassed(PARTS, an_id(9)), START)


def test_deciding_again_keeps_the_first_decision() -> None:
    """The same file, whoever else passes the same check."""
    assert apply(settled(), CheckPassed(PARTS, an_id(8)), SOON) == settled()


def test_a_check_that_passes_after_another_failed_decides() -> None:
    """The other opened the upload again; the parts are the same."""
    reopened = apply(checked(), CheckFailed(), START)

    assert reopened.status is UploadStatus.PENDING
    assert apply(reopened, CheckPassed(PARTS, an_id(9)), START).status is UploadStatus.COMPLETING


def test_the_file_of_a_decided_upload() -> None:
    """Its life begins with the decision."""
    file = apply(checked(), CheckPassed(PARTS, an_id(9)), SOON).file()

    assert (file.id, file.created_at, file.expires_at) == (an_id(9), SOON, SOON + timedelta(hours=1))


def test_no_file_before_the_decision() -> None:
    """There is nothing to make it of."""
    with pytest.raises(ValueError, match="not decided"):
        checked().file()


@pytest.mark.parametrize("upload", [an_upload(), checked()])
def test_open_uploads_expire_with_their_hour(upload: Upload) -> None:
    """To the second."""
    assert upload.status_at(SOON) is upload.status
    assert upload.status_at(LATE) is UploadStatus.EXPIRED is apply(upload, SweptBy(), LATE).status


@pytest.mark.parametrize("upload", [settled(), ended(FileMade(), settled()), ended(CancelRequested())])
def test_what_has_ended_does_not_expire(upload: Upload) -> None:
    """Nor does what is decided."""
    assert apply(upload, SweptBy(), LATE) == upload


def test_a_part_during_a_check_may_come_again() -> None:
    """Unavailable: SDKs repeat it."""
    with pytest.raises(Unavailable):
        check_takes_part(checked(), SOON)


@pytest.mark.parametrize(
    "step",
    [
        lambda upload: apply(upload, CompletionAsked(PARTS), LATE),
        lambda upload: apply(upload, CheckPassed(PARTS, an_id(9)), LATE),
        lambda upload: apply(upload, CancelRequested(), LATE),
        lambda upload: apply(upload, CheckFailed(), LATE),
        lambda upload: check_takes_part(upload, LATE),
    ],
)
def test_nothing_happens_to_an_expired_upload(step: Callable[[Upload], object]) -> None:
    """WrongState that names the status, in `checking` too."""
    with pytest.raises(WrongState, match="'expired'"):
        step(checked())


def test_block_ids_of_one_blob_have_one_length() -> None:
    """As block blobs demand, up to the last block of the largest part."""
    ids = [*a_part(1, blocks=2).block_ids(), block_id(an_id(2), 67_108_864 - 1 >> 10)]

    assert len({len(one) for one in ids}) == 1
    assert len(set(ids)) == len(ids)
