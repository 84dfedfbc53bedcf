"""validate_input on real stores: the record, the plan and the answer, whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from activities.validate_input import validate_input
from shared.domain.batches.batch import Batch, BatchError, CancelRequested, Finished, Refused, RequestsDone, Status
from shared.domain.batches.chunk import Plan
from shared.domain.ids import to_base62, to_uuid
from shared.domain.keys.limits import Limits
from shared.domain.keys.project import Project
from shared.domain.usage.usage import Usage
from shared.domain.vendors.vendor import Vendor
from shared.ports.base import Stored
from shared.ports.blobs import BlobStore
from shared.run.batches.change import change
from shared.run.chunks.plan import read_plan
from shared.services import Services, use
from tests.activities.conftest import Clock, with_settings
from tests.contracts.samples import START, a_batch, a_file, an_id
from tests.with_stores import with_stores

FILE = an_id(900)


def line(number: int, **body: object) -> bytes:
    fields = {"model": "small", "messages": [{"role": "user", "content": "Hi"}]} | body
    request = {"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions", "body": fields}
    return json.dumps(request).encode() + b"\n"


GOOD = b"".join(line(number) for number in range(5))


async def put(service: Services, data: bytes | None = GOOD, **changes: object) -> Batch:
    """A batch over a file of `data`; None: the record of the file is there, its bytes are not."""
    file_changes = {name: changes.pop(name) for name in ("purpose", "expires_at") if name in changes}
    owner = changes.pop("file_owner", "project-a")
    await service.stores.files.insert(a_file(900, owner=owner, blob="files/900", **file_changes))
    if data is not None:
        await service.stores.blobs.put("files/900", data)
    batch = a_batch(1, **changes)
    await service.stores.batches.insert(batch)
    return batch


async def run(batch: Batch) -> dict[str, object]:
    return await validate_input({"owner": batch.owner, "batch_id": batch.id})


async def record(service: Services, batch: Batch) -> Batch:
    stored = await service.stores.batches.get(batch.owner, batch.id)
    assert stored
    return stored.value


async def plan_of(service: Services, batch: Batch) -> Plan | None:
    return await read_plan(service.stores.blobs, await record(service, batch))


async def test_a_good_file_is_accepted(service: Services) -> None:
    """Five lines in chunks of two; at most two lanes."""
    assert await run(await put(service)) == {"outcome": "accepted", "chunks": 3, "lanes": 2}


async def test_there_are_no_more_lanes_than_chunks(service: Services) -> None:
    """One chunk keeps one lane busy."""
    assert await run(await put(service, line(1))) == {"outcome": "accepted", "chunks": 1, "lanes": 1}


async def test_an_accepted_batch_is_in_progress(service: Services, clock: Clock) -> None:
    """Contract 2.1, 2.3, 2.4."""
    batch = await put(service)
    await run(batch)
    now = await record(service, batch)
    assert (now.status, now.in_progress_at) == (Status.IN_PROGRESS, clock.at)
    assert (now.deployment, now.total, now.chunks) == ("small", 5, 3)
    assert now.input_tokens > 0


async def test_the_plan_is_a_blob(service: Services) -> None:
    """Lanes read it; it is in no durable history."""
    batch = await put(service)
    await run(batch)
    plan = await plan_of(service, batch)
    assert plan
    assert [(chunk.first_line, chunk.lines) for chunk in plan.chunks] == [(1, 2), (3, 2), (5, 1)]


async def test_a_bad_file_fails_the_batch_with_every_problem(service: Services) -> None:
    """Contract 3.2: one bad line fails all; nothing runs, so there is no plan."""
    batch = await put(service, line(1) + b"broken\n" + line(1))
    assert await run(batch) == {"outcome": "refused"}
    now = await record(service, batch)
    assert (now.status, now.total) == (Status.FAILED, 0)
    assert [(error.line, error.code) for error in now.errors] == [(2, "invalid_json_line"), (3, "duplicate_custom_id")]
    assert await plan_of(service, batch) is None


async def test_an_unsupported_window_fails_the_batch(service: Services) -> None:
    """In Azure's dialects the call is accepted and the batch fails (contract 1.5.5)."""
    batch = await put(service, vendor=Vendor.AZURE, completion_window="1h")
    assert await run(batch) == {"outcome": "refused"}
    assert (await record(service, batch)).errors == (
        BatchError(
            code="invalid_request",
            message="Invalid value: '1h'. Supported values are: '24h'.",
            param="completion_window",
        ),
    )


@pytest.mark.parametrize(
    ("vendor", "maximum"), [(Vendor.OPENAI, 3), (Vendor.DEEPINFRA, 4), (Vendor.AZURE, 5), (Vendor.COMPASS, 6)]
)
@pytest.mark.parametrize("over", [0, 1])
async def test_each_dialect_has_its_own_number_of_lines(
    service: Services, vendor: Vendor, maximum: int, over: int
) -> None:
    """Settings: OpenAI's 50,000, Azure's 100,000, Compass's 10,000 (contract 3.5)."""
    limits = {
        "max_requests_openai": 3,
        "max_requests_deepinfra": 4,
        "max_requests_azure": 5,
        "max_requests_compass": 6,
    }
    data = b"".join(line(number) for number in range(maximum + over))
    with use(with_settings(service, **limits)):
        batch = await put(service, data, vendor=vendor)
        await run(batch)
    codes = [error.code for error in (await record(service, batch)).errors]
    assert codes == ["too_many_tasks"] * over


@pytest.mark.parametrize(("own", "codes"), [(2, ["too_many_tasks"]), (3, []), (9, ["too_many_tasks"])])
async def test_a_project_may_have_fewer_lines(service: Services, own: int, codes: list[str]) -> None:
    """The stricter of its own limit and the dialect's, which is three; or four lines in the last case."""
    project = Project(id="project-a", name="a", created_at=START, limits=Limits(requests_per_file=own))
    await service.stores.projects.insert(project)
    with use(with_settings(service, max_requests_openai=3)):
        batch = await put(service, b"".join(line(number) for number in range(4 if own == 9 else 3)))
        await run(batch)

    assert [error.code for error in (await record(service, batch)).errors] == codes


@pytest.mark.parametrize("vendor", list(Vendor))
async def test_each_dialect_has_its_own_size(service: Services, vendor: Vendor) -> None:
    """Literal of contract 3.3, with the dialect's limit."""
    with use(with_settings(service, **{f"max_input_bytes_{vendor}": 200})):
        batch = await put(service, vendor=vendor)
        await run(batch)
    (error,) = (await record(service, batch)).errors
    assert error.message == "The batch input file is larger than the 200 maximum for the small model."


@pytest.mark.parametrize(
    ("vendor", "spelled"),
    [
        (Vendor.OPENAI, f"file-{to_base62(FILE)}"),
        (Vendor.AZURE, f"file-{FILE}"),
        (Vendor.DEEPINFRA, f"file_{to_base62(FILE)}"),
        (Vendor.COMPASS, to_uuid(FILE)),
    ],
)
async def test_a_missing_file_is_named_as_its_caller_knows_it(service: Services, vendor: Vendor, spelled: str) -> None:
    """Literal of contract 3.3; ids as in contract 1.7."""
    batch = a_batch(1, vendor=vendor)
    await service.stores.batches.insert(batch)
    assert await run(batch) == {"outcome": "refused"}
    assert (await record(service, batch)).errors == (
        BatchError(
            code="invalid_request",
            message=f"Cannot find file {spelled}, or organization project-a does not have access to it.",
            param="file_id",
        ),
    )


async def test_an_id_that_is_none_is_shown_as_given(service: Services) -> None:
    """Creating a batch does not look at the file (contract 1.5.5)."""
    batch = a_batch(1, input_file_id="file-nonsense", input_blob="")
    await service.stores.batches.insert(batch)
    await run(batch)
    (error,) = (await record(service, batch)).errors
    assert error.message.startswith("Cannot find file file-nonsense, or organization")


@pytest.mark.parametrize("changes", [{"expires_at": START}, {"input_blob": ""}])
async def test_a_file_that_cannot_be_used_is_not_found(service: Services, changes: dict[str, object]) -> None:
    """Expired, or created after the batch."""
    batch = await put(service, **changes)
    assert await run(batch) == {"outcome": "refused"}
    assert (await record(service, batch)).errors[0].param == "file_id"


@pytest.mark.parametrize("purpose", ["assistants", "batch_output"])
async def test_a_file_of_another_purpose_is_told_so(service: Services, purpose: str) -> None:
    """It is there, and looking for it would be in vain."""
    batch = await put(service, purpose=purpose)
    assert await run(batch) == {"outcome": "refused"}
    (error,) = (await record(service, batch)).errors
    assert (error.code, error.param) == ("invalid_request", "file_id")
    assert f"has the purpose '{purpose}'" in error.message
    assert "Upload the file again with that purpose" in error.message


async def test_a_file_whose_bytes_are_gone_is_not_found(service: Services) -> None:
    """Deleted between creation and validation."""
    batch = await put(service, None)
    assert await run(batch) == {"outcome": "refused"}
    assert (await record(service, batch)).errors[0].param == "file_id"


async def test_somebody_elses_file_is_not_found(service: Services) -> None:
    """Look-ups never cross owners."""
    batch = await put(service, owner="project-b")
    assert await run(batch) == {"outcome": "refused"}


@pytest.mark.parametrize(("vendor", "outcome"), [(Vendor.OPENAI, "refused"), (Vendor.AZURE, "accepted")])
async def test_each_vendor_has_its_own_number_of_requests(service: Services, vendor: Vendor, outcome: str) -> None:
    """Contract 3.5."""
    with use(with_settings(service, max_requests_openai=4, max_requests_azure=5)):
        assert (await run(await put(service, vendor=vendor)))["outcome"] == outcome


@pytest.mark.parametrize("data", [GOOD, b"broken"])
async def test_a_repeated_call_gives_the_same_answer_and_changes_nothing(service: Services, data: bytes) -> None:
    """Activities run at least once."""
    batch = await put(service, data)
    answer, after = await run(batch), await record(service, batch)
    assert await run(batch) == answer
    assert await record(service, batch) == after


async def test_the_answer_stays_the_same_to_the_end(service: Services) -> None:
    """A lost run that is started again finds its way through a batch that is further on."""
    batch = await put(service)
    answer = await run(batch)
    finished = Finished(completed=5, failed=0, usage=Usage(), model=None, output_file_id=an_id(2), error_file_id=None)
    for event in (RequestsDone(), finished):
        await change(service, batch, event)
        assert await run(batch) == answer


async def test_a_cancel_after_acceptance_does_not_take_it_back(service: Services) -> None:
    """The lanes see the cancel; every line is owed a result line."""
    batch = await put(service)
    answer = await run(batch)
    await change(service, batch, CancelRequested())
    assert await run(batch) == answer


async def test_a_batch_cancelled_before_is_not_read(service: Services) -> None:
    """Its file does not matter any more."""
    batch = await put(service, None)
    await change(service, batch, CancelRequested())
    assert await run(batch) == {"outcome": "cancelled"}


async def test_a_batch_whose_record_is_gone_is_refused(service: Services) -> None:
    """Nothing is left to run."""
    assert await run(a_batch(1)) == {"outcome": "refused"}


class Meddling:
    """The real blobs, with something happening after the first block is read or before the plan is written."""

    def __init__(self, service: Services, batch: Batch, *, before_put: bool = False) -> None:
        self.inner: BlobStore = service.stores.blobs
        self._service = service
        self._batch = batch
        self._before_put = before_put
        self.blocks = 0

    async def read(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        data = b"".join([piece async for piece in self.inner.read(name, start, length)])
        for offset in range(0, len(data), 100):
            if self.blocks == 1 and not self._before_put:
                await change(self._service, self._batch, CancelRequested())
            self.blocks += 1
            yield data[offset : offset + 100]

    async def put(self, name: str, data: bytes) -> None:
        if self._before_put:
            await change(self._service, self._batch, CancelRequested())
        await self.inner.put(name, data)

    async def delete(self, name: str) -> bool:
        return await self.inner.delete(name)


async def test_a_cancel_during_a_long_pass_ends_it(service: Services, clock: Clock) -> None:
    """It is noticed within seconds, not at the end of the file."""
    batch = await put(service, GOOD)
    clock.step = timedelta(seconds=3)
    blobs = Meddling(service, batch)
    with use(with_stores(service, blobs=blobs)):  # type: ignore[arg-type]
        assert await run(batch) == {"outcome": "cancelled"}
    assert blobs.blocks == 2 < len(GOOD) // 100


@pytest.mark.parametrize("data", [GOOD, b"broken"])
async def test_a_cancel_unnoticed_during_the_pass_is_found_at_its_end(service: Services, data: bytes) -> None:
    """Whatever the verdict, the cancel came first."""
    batch = await put(service, data)
    blobs = Meddling(service, batch)
    blobs.blocks = 1
    with use(with_stores(service, blobs=blobs)):  # type: ignore[arg-type]
        assert await run(batch) == {"outcome": "cancelled"}


async def test_a_cancel_before_the_record_moves_leaves_no_plan(service: Services) -> None:
    """A plan would make the end of the run write a line for every request of a batch that never had any."""
    batch = await put(service)
    with use(with_stores(service, blobs=Meddling(service, batch, before_put=True))):  # type: ignore[arg-type]
        assert await run(batch) == {"outcome": "cancelled"}
    assert [name async for name in service.stores.blobs.names("plans/")] == []


class Overtaken:
    """The real blobs; another call of the activity, with other settings, ends before this one's plan is written."""

    def __init__(self, service: Services, batch: Batch, other: Services) -> None:
        self._service = service
        self._batch = batch
        self._other = other

    def read(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        return self._service.stores.blobs.read(name, start, length)

    async def put(self, name: str, data: bytes) -> None:
        with use(self._other):
            await run(self._batch)
        await self._service.stores.blobs.put(name, data)

    async def delete(self, name: str) -> bool:
        return await self._service.stores.blobs.delete(name)


@pytest.mark.parametrize("chunk_lines", [1, 2, 5])
async def test_the_plan_of_a_run_stays(service: Services, chunk_lines: int) -> None:
    """A second call that began with other settings makes no other plan for a batch that is in progress by now."""
    batch = await put(service)
    other = with_settings(service, chunk_lines=chunk_lines)
    with use(with_stores(service, blobs=Overtaken(service, batch, other))):  # type: ignore[arg-type]
        answer = await run(batch)
    plan, now = await plan_of(service, batch), await record(service, batch)

    assert plan
    assert (answer["chunks"], now.chunks, len(plan.chunks)) == (-(-5 // chunk_lines),) * 3
    assert len([name async for name in service.stores.blobs.names("plans/")]) == 1


class PlanFirst:
    """The real batches; the record may be replaced only when its plan can be read."""

    def __init__(self, service: Services) -> None:
        self._service = service

    async def get(self, owner: str, batch_id: str) -> Stored[Batch] | None:
        return await self._service.stores.batches.get(owner, batch_id)

    async def replace(self, changed: Batch, version: str) -> str:
        assert await read_plan(self._service.stores.blobs, changed) is not None
        return await self._service.stores.batches.replace(changed, version)


async def test_the_plan_is_there_before_the_record_says_so(service: Services) -> None:
    """A kill between the two repeats the pass; the other way round, lanes would find nothing."""
    batch = await put(service)

    with use(with_stores(service, batches=PlanFirst(service))):  # type: ignore[arg-type]
        assert (await run(batch))["outcome"] == "accepted"


async def test_a_failed_batch_stays_failed(service: Services) -> None:
    """Refused for its quota after it was accepted: the run does not begin."""
    batch = await put(service)
    await run(batch)
    await change(service, batch, Refused(errors=()))
    assert await run(batch) == {"outcome": "refused"}


async def test_what_it_returns_is_small_json(service: Services) -> None:
    """It goes into durable history."""
    answer = await run(await put(service))
    assert json.loads(json.dumps(answer)) == answer
    assert len(msgspec.json.encode(answer)) < 100
