"""The digest of failures that a batch ends with is that of its error file."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from activities.work_lane import work_lane
from shared.domain.batches.batch import CancelRequested
from shared.domain.batches.failures import Failure
from shared.domain.batches.live_counts import with_progress
from shared.domain.vendors.vendor import Vendor
from shared.run.batches.change import change
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import World, answer
from tests.run.test_lane import cursor

TOO_LONG = {"error": {"code": "context_length_exceeded", "message": "Too long."}}


def refusing(prompt: str, _: int) -> Any:
    """Every tenth line is too long; line 7 is refused without a code."""
    if prompt.endswith("3"):
        return answer(400, TOO_LONG)
    return answer(400, {"detail": "no"}) if prompt == "p7" else answer()


@pytest.mark.parametrize("vendor", list(Vendor))
async def test_it_has_the_numbers_of_the_error_file(world: World, vendor: Vendor) -> None:
    """While the batch runs its sealed chunks tell the same."""
    world.upstream.script = refusing
    batch = await world.batch(25, vendor=vendor)
    await work_lane(cursor(batch))
    running = with_progress(await world.read(batch), await world.service.stores.chunks.list(batch.id))
    await finish_batch(cursor(batch))
    ended = await world.read(batch)
    lines = await world.lines(ended.error_file_id)

    assert Counter(each["response"]["status_code"] for each in lines) == {400: 4}
    assert running.failures == ended.failures
    assert ended.failures == (
        Failure(code="context_length_exceeded", count=3, first_line=3, custom_id="c3", message="Too long."),
        Failure(code="status_400", count=1, first_line=7, custom_id="c7"),
    )


async def test_what_never_ran_is_in_it(world: World) -> None:
    """A line of the error file like others."""
    batch = await world.batch(25)
    await change(world.service, batch, CancelRequested())
    await finish_batch(cursor(batch))
    (found,) = (await world.read(batch)).failures

    assert (found.code, found.count, found.first_line, found.custom_id) == ("batch_cancelled", 25, 1, "c1")
