"""reserve_quota on real stores: who is let in and who is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec.structs import replace as replaced

from activities.reserve_quota import reserve_quota
from shared.domain.batches.batch import Batch, CancelRequested, Finished, RequestsDone, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.hold_up import HoldUp, hold_up
from shared.domain.batches.quota import QuotaMode
from shared.domain.keys.project import Project
from shared.domain.usage.usage import Usage
from shared.run.batches.change import change
from shared.services import Services, use
from tests.contracts.samples import START, a_batch


async def put(service: Services, number: int, tokens: int, deployment: str = "small") -> Batch:
    batch = a_batch(
        number,
        status=Status.IN_PROGRESS,
        deployment=deployment,
        total=3,
        chunks=1,
        input_tokens=tokens,
        in_progress_at=START + timedelta(seconds=number),
    )
    await service.stores.batches.insert(batch)
    return batch


async def run(batch: Batch) -> str:
    answer = await reserve_quota({"owner": batch.owner, "batch_id": batch.id})
    assert set(answer) == {"outcome"}
    return answer["outcome"]


async def record(service: Services, batch: Batch) -> Batch:
    stored = await service.stores.batches.get(batch.owner, batch.id)
    assert stored
    return stored.value


@pytest.mark.parametrize(("tokens", "outcome"), [(100, "admitted"), (101, "refused")])
async def test_one_batch_may_take_the_whole_limit(service: Services, tokens: int, outcome: str) -> None:
    """The limit itself is allowed."""
    assert await run(await put(service, 1, tokens)) == outcome


async def test_a_batch_that_does_not_fit_beside_the_others_fails(service: Services) -> None:
    """Contract 3.3: failed, with the code; counts as if it had never been validated."""
    await put(service, 1, 60)
    batch = await put(service, 2, 41)
    assert await run(batch) == "refused"
    now = await record(service, batch)
    assert (now.status, now.total, [error.code for error in now.errors]) == (
        Status.FAILED,
        0,
        ["token_limit_exceeded"],
    )


@pytest.mark.parametrize(
    ("own", "others", "outcome"), [(30, 0, "admitted"), (29, 0, "refused"), (90, 60, "admitted"), (200, 71, "refused")]
)
async def test_a_projects_limit_is_beside_that_of_the_deployment(
    service: Services, own: int, others: int, outcome: str
) -> None:
    """Of 100 for all: what another project has enqueued does not count for the own limit, but for the common one."""
    project = Project(id="project-a", name="a", created_at=START, enqueued_tokens={"small": own, "large": 0})
    await service.stores.projects.insert(project)
    if others:
        batch = await put(service, 1, others)
        await service.stores.batches.insert(replaced(batch, id="f" * 31 + "1", owner="another"))
        stored = await service.stores.batches.get(batch.owner, batch.id)
        assert stored
        await service.stores.batches.replace(replaced(batch, status=Status.FAILED), stored.version)

    assert await run(await put(service, 2, 30)) == outcome


async def test_an_admitted_batch_is_not_changed(service: Services) -> None:
    """There is no ledger."""
    batch = await put(service, 1, 60)
    await run(batch)
    assert await record(service, batch) == batch


async def test_an_ended_batch_gives_its_tokens_back(service: Services) -> None:
    """Contract 2.6."""
    first, second = await put(service, 1, 60), await put(service, 2, 60)
    for event in (
        RequestsDone(),
        Finished(completed=3, failed=0, usage=Usage(), model=None, output_file_id=None, error_file_id=None),
    ):
        await change(service, first, event)
    assert await run(second) == "admitted"


async def test_a_deployment_without_a_limit_admits_all(service: Services) -> None:
    """None means unlimited."""
    assert await run(await put(service, 1, 10**12, "free")) == "admitted"


async def test_a_deployment_taken_out_of_the_configuration_has_no_limit(service: Services) -> None:
    """Its lines fail one by one, where it is said why."""
    assert await run(await put(service, 1, 10**12, "gone")) == "admitted"


async def test_a_batch_that_has_begun_is_not_turned_away(service: Services) -> None:
    """A lost run is started again after the limit was lowered: it goes on."""
    batch = await put(service, 1, 500)
    await service.stores.chunks.put(ChunkRow(batch_id=batch.id, index=0), None)
    assert await run(batch) == "admitted"


async def test_a_batch_being_cancelled_is_admitted(service: Services) -> None:
    """Its lanes see the cancel, and every line gets its line in the error file."""
    batch = await put(service, 1, 500)
    await change(service, batch, CancelRequested())
    assert await run(batch) == "admitted"
    assert (await record(service, batch)).status is Status.CANCELLING


async def test_repeating_a_refusal_repeats_the_answer(service: Services) -> None:
    """Activities run at least once."""
    batch = await put(service, 1, 500)
    assert [await run(batch), await run(batch)] == ["refused", "refused"]


async def test_a_batch_whose_record_is_gone_is_refused(service: Services) -> None:
    """Nothing is left to run."""
    assert await run(a_batch(1)) == "refused"


async def test_batches_wait_in_order(service: Services) -> None:
    """With BATCH_QUOTA_MODE=wait a batch waits for all ahead of it, is never overtaken, and is let in when they end."""
    queueing = replace(service, settings=replace(service.settings, quota_mode=QuotaMode.WAIT))
    first, second, third = await put(service, 1, 60), await put(service, 2, 60), await put(service, 3, 30)
    with use(queueing):
        assert [await run(batch) for batch in (first, second, third)] == ["admitted", "wait", "wait"]
        await change(service, first, CancelRequested())
        await change(
            service,
            first,
            Finished(completed=3, failed=0, usage=Usage(), model=None, output_file_id=None, error_file_id=None),
        )
        assert [await run(batch) for batch in (second, third)] == ["admitted", "admitted"]


async def test_a_batch_that_never_fits_does_not_wait(service: Services) -> None:
    """A batch larger than the limit itself is refused, whatever the mode."""
    queueing = replace(service, settings=replace(service.settings, quota_mode=QuotaMode.WAIT))
    with use(queueing):
        assert await run(await put(service, 1, 101)) == "refused"


async def test_a_waiting_batch_says_for_what(service: Services) -> None:
    """Its owner reads the limit, what is before it, and what it needs; admitted, its first lane takes the row over."""
    queueing = replace(service, settings=replace(service.settings, quota_mode=QuotaMode.WAIT))
    first, second = await put(service, 1, 60), await put(service, 2, 50)
    with use(queueing):
        await run(first)
        assert await run(second) == "wait"
    (beat,) = await service.stores.heartbeats.list("small")

    assert (beat.batch_id, beat.lane, beat.holder) == (second.id, 0, "")
    assert hold_up([beat], service.now(), 12.0) == HoldUp(
        until=beat.paused_until,
        reason="Waiting for room in the enqueued tokens of the deployment 'small': the limit is 100, 1 batch before this "
        "one has 60, this one needs 50. It starts by itself, in order.",
    )
