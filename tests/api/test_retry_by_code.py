"""`POST batches/{id}/retry` with `codes`: of what failed only what failed so."""

from __future__ import annotations

import httpx
import pytest

from shared.domain.batches.failures import Failure
from shared.services import Services
from tests.api.harness import Clock
from tests.api.test_batch_retry import FIRST, RETRY, Ended, line

DIGEST = (
    Failure(code="batch_expired", count=1, first_line=8, custom_id="c7"),
    Failure(code="status_400", count=1, first_line=4, custom_id="c3"),
)


@pytest.fixture
def ended(services: Services, clock: Clock) -> Ended:
    return Ended(services, clock)


@pytest.mark.parametrize(
    ("codes", "numbers"), [(["status_400"], [3]), (["batch_expired"], [7]), (["status_400", "batch_expired"], [3, 7])]
)
async def test_only_what_failed_with_these_codes(
    ended: Ended, api: httpx.AsyncClient, codes: list[str], numbers: list[int]
) -> None:
    """Of the batch's `failures`; the new batch is like any other retry."""
    await ended.batch(failures=DIGEST)
    answer = await api.post(RETRY, json={"codes": codes})
    (retry,) = await ended.retries()
    assert (answer.status_code, answer.json()["retry_of"]) == (200, f"batch_{FIRST}")
    assert await ended.input_of(retry) == b"".join(map(line, numbers))


async def test_codes_that_the_batch_does_not_have_make_nothing(ended: Ended, api: httpx.AsyncClient) -> None:
    """400 that lists those there are."""
    await ended.batch(failures=DIGEST)
    answer = await api.post(RETRY, json={"codes": ["status_500"]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "codes")
    assert "batch_expired, status_400" in answer.json()["error"]["message"]
    assert await ended.retries() == []


async def test_an_sdks_repetition_with_codes_finds_the_first(ended: Ended, api: httpx.AsyncClient) -> None:
    """Other codes are another call."""
    await ended.batch(failures=DIGEST)
    late = {"x-stainless-retry-count": "1"}
    made = [
        (await api.post(RETRY, json={"codes": [code]}, headers=late)).json()["id"]
        for code in ("status_400", "status_400", "batch_expired")
    ]
    assert [made[0] == made[1], made[1] == made[2]] == [True, False]
