"""Rates, ends and costs, from records alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.forecast import Measured, duration, measured, progress
from shared.domain.deployments.deployment import Deployment
from shared.domain.usage.usage import Usage
from shared.domain.vendors.vendor import Vendor

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RUNNING = Batch(
    id="0" * 32,
    owner="someone",
    vendor=Vendor.OPENAI,
    endpoint="/v1/chat/completions",
    input_file_id="1" * 32,
    input_blob="files/1",
    completion_window="24h",
    created_at=START,
    expires_at=START + timedelta(hours=24),
    status=Status.IN_PROGRESS,
    in_progress_at=START,
    deployment="m",
    total=100,
    input_tokens=1000,
    completed=15,
    failed=5,
    usage=Usage(input_tokens=200, output_tokens=400),
)
DEPLOYMENT = Deployment(name="m", base_url="http://upstream")


def changed(**changes: object) -> Batch:
    return msgspec.structs.replace(RUNNING, **changes)


def test_progress_is_an_average_since_the_beginning() -> None:
    """20 requests and 600 tokens in 10 seconds; 80 more take 40."""
    now = START + timedelta(seconds=10)
    seen = progress(RUNNING, now)
    assert seen
    assert (seen.requests_per_second, seen.tokens_per_minute, seen.reason) == (2.0, 3600.0, None)
    assert seen.estimated_completion_at == now + timedelta(seconds=40)


@pytest.mark.parametrize("changes", [{"completed": 0, "failed": 0}, {"in_progress_at": START + timedelta(seconds=99)}])
def test_without_a_finished_request_the_reason_says_so(changes: dict[str, object]) -> None:
    """Also when another machine's clock is ahead."""
    seen = progress(changed(**changes), START + timedelta(seconds=10))
    assert seen
    assert (seen.requests_per_second, seen.estimated_completion_at) == (None, None)
    assert seen.reason == "No request has finished yet."


@pytest.mark.parametrize(("vendor", "is_late"), [(Vendor.OPENAI, True), (Vendor.AZURE, False)])
def test_an_end_past_the_window_is_said(vendor: Vendor, is_late: bool) -> None:
    """Contract 2.6: Azure's batches have no deadline."""
    seen = progress(changed(vendor=vendor), START + timedelta(hours=10))
    assert seen
    assert (seen.reason is not None) == is_late


def test_an_end_in_thousands_of_years_is_cut() -> None:
    """Dates end with the year 9999, batches may hold 100,000 lines."""
    now = START + timedelta(days=300)
    seen = progress(changed(total=100_000, completed=1, failed=0), now)
    assert seen
    assert seen.estimated_completion_at == now + timedelta(days=3650)


def test_a_pause_counts_for_no_rate() -> None:
    """20 requests in 10 seconds of work; there is no end to expect before the batch goes on."""
    paused = changed(paused_at=START + timedelta(seconds=10))
    resumed = changed(paused_seconds=90.0)
    seen = [progress(paused, START + timedelta(hours=1)), progress(resumed, START + timedelta(seconds=100))]

    assert [found and (found.requests_per_second, found.reason) for found in seen] == [
        (2.0, "The batch is paused."),
        (2.0, None),
    ]
    assert [found and found.estimated_completion_at for found in seen] == [None, START + timedelta(seconds=140)]


def test_a_pause_before_the_first_answer_is_the_reason() -> None:
    """Not that none has finished."""
    seen = progress(changed(completed=0, failed=0, paused_at=START), START + timedelta(seconds=10))

    assert (seen and seen.reason) == "The batch is paused."


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.IN_PROGRESS])
def test_only_a_batch_in_progress_has_progress(status: Status) -> None:
    """Before there is nothing to see, afterwards nothing to expect."""
    assert progress(changed(status=status), START + timedelta(seconds=10)) is None


def ended(total: int, seconds: float, **changes: object) -> Batch:
    values = {"status": Status.COMPLETED, "total": total, "completed": total, "failed": 0}
    return changed(finalizing_at=START + timedelta(seconds=seconds), **values | changes)


def test_the_largest_batch_tells_the_rate() -> None:
    """A small one spends its time beginning and ending; other deployments' and unfinished ones say nothing."""
    batches = [ended(1, 1), ended(1000, 50), ended(9000, 1, deployment="other"), changed(total=5000)]
    assert measured(batches, "m") == Measured(requests_per_second=20.0, output_tokens_per_request=0.4)


@pytest.mark.parametrize("batch", [RUNNING, ended(5, 0), ended(5, 5, completed=0), ended(5, 5, status=Status.EXPIRED)])
def test_what_did_not_run_tells_nothing(batch: Batch) -> None:
    """No division by zero either."""
    assert measured([batch], "m") is None


def test_nothing_known_is_no_estimate() -> None:
    """No limit, no measured rate."""
    assert duration(DEPLOYMENT, 100, 1000, [], None) is None


@pytest.mark.parametrize(
    ("limits", "rate", "seconds"),
    [
        ({"requests_per_minute": 60}, None, 100),
        ({"tokens_per_minute": 600}, None, 100),
        ({"requests_per_minute": 60, "tokens_per_minute": 60_000}, None, 100),
        ({"requests_per_minute": 6000}, 2.0, 50),
        ({}, 4.0, 25),
    ],
)
def test_the_tightest_bound_counts(limits: dict[str, int], rate: float | None, seconds: float) -> None:
    """100 requests of 10 tokens each."""
    found = Measured(requests_per_second=rate, output_tokens_per_request=1.0) if rate else None
    deployment = msgspec.structs.replace(DEPLOYMENT, **limits)
    assert duration(deployment, 100, 1000, [], found) == timedelta(seconds=seconds)


def test_other_batches_get_as_much_as_this_one_meanwhile() -> None:
    """Equal shares: of a longer batch as many requests run as of this one, of a shorter one all."""
    found = Measured(requests_per_second=1.0, output_tokens_per_request=1.0)
    ahead = [changed(total=5000), changed(total=30)]
    assert duration(DEPLOYMENT, 100, 1000, ahead, found) == timedelta(seconds=100 + 100 + 30)
