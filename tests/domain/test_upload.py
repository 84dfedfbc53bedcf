"""What may happen to an upload in parts, and when (contract 1.5.8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.errors import Unavailable, WrongState
from shared.domain.files.upload import (
    Upload,
    UploadStatus,
    block_id,
    cancelled,
    check_takes_part,
    checking,
    completed,
    decided,
    expired,
    reopened,
)
from tests.contracts.samples import START, a_part, an_id, an_upload

PARTS = (an_id(1), an_id(2))
SOON = START + timedelta(minutes=59, seconds=59)
LATE = START + timedelta(hours=1)


def checked(parts: tuple[str, ...] = PARTS) -> Upload:
    return checking(an_upload(), parts, START)


def settled() -> Upload:
    return decided(checked(), PARTS, an_id(9), START)


def test_each_completion_changes_the_record() -> None:
    """Also one that repeats the one before: its compare-and-swap tells the two apart."""
    assert checking(checked(), PARTS, SOON) != checked()


def test_a_completion_is_not_decided_with_another_ones_parts() -> None:
    """Whoever was overtaken by a completion with other parts has checked another file."""
    with pytest.raises(WrongState, match="with other parts"):
        decided(checked((an_id(3),)), PARTS, an_id(9), START)


def test_deciding_again_keeps_the_first_decision() -> None:
    """The same file, whoever else passes the same check."""
    assert decided(settled(), PARTS, an_id(8), SOON) == settled()


def test_a_check_that_passes_after_another_failed_decides() -> None:
    """The other opened the upload again; the parts are the same."""
    assert decided(reopened(checked()), PARTS, an_id(9), START).status is UploadStatus.COMPLETING


def test_the_file_of_a_decided_upload() -> None:
    """Its life begins with the decision."""
    file = decided(checked(), PARTS, an_id(9), SOON).file()

    assert (file.id, file.created_at, file.expires_at) == (an_id(9), SOON, SOON + timedelta(hours=1))


def test_no_file_before_the_decision() -> None:
    """There is nothing to make it of."""
    with pytest.raises(ValueError, match="not decided"):
        checked().file()


@pytest.mark.parametrize("upload", [an_upload(), checked()])
def test_open_uploads_expire_with_their_hour(upload: Upload) -> None:
    """To the second."""
    assert upload.status_at(SOON) is upload.status
    assert upload.status_at(LATE) is UploadStatus.EXPIRED is expired(upload, LATE).status


@pytest.mark.parametrize("upload", [settled(), completed(settled()), cancelled(an_upload(), START)])
def test_what_has_ended_does_not_expire(upload: Upload) -> None:
    """Nor does what is decided."""
    assert expired(upload, LATE) == upload


def test_a_part_during_a_check_may_come_again() -> None:
    """Unavailable: SDKs repeat it."""
    with pytest.raises(Unavailable):
        check_takes_part(checked(), SOON)


@pytest.mark.parametrize(
    "step",
    [
        lambda upload: checking(upload, PARTS, LATE),
        lambda upload: decided(upload, PARTS, an_id(9), LATE),
        lambda upload: cancelled(upload, LATE),
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
