"""What is gone for good ends: what ran is delivered, what did not fails by name, and nothing is tried for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from activities.validate_input import validate_input
from activities.work_lane import work_lane
from shared.domain.batches.batch import Batch, CancelRequested, Status
from shared.domain.batches.chunk import journal_blob, plan_blob
from shared.domain.files.file import File
from shared.domain.keys.project import ModelMode, ModelPermissions, default_project
from shared.run.batches.change import change
from shared.run.chunks.plan import read_all
from shared.services import use
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import INPUT_FILE, OWNER, World
from tests.run.test_lane import cursor

MOST_ROUNDS = 5


@pytest.fixture
def world(world: World) -> Iterator[World]:
    """Whose proofs take no second."""
    with use(world.with_settings(proof_seconds=0.01)) as service:
        yield replace(world, service=service)


async def run(world: World, batch: Batch) -> Batch:
    """The run's rounds: its lane until that is done, then finish_batch; again as long as lines are left."""
    for _ in range(MOST_ROUNDS):
        for _ in range(MOST_ROUNDS):
            if (await work_lane(cursor(batch)))["done"]:
                break
        else:
            raise AssertionError("The lane never ends.")
        if (await finish_batch(cursor(batch)))["done"]:
            return await world.read(batch)
    raise AssertionError("The batch never ends.")


async def put_input(world: World, data: bytes) -> None:
    await world.service.stores.blobs.stage_block("files/in", "0", data)
    await world.service.stores.blobs.commit_blocks("files/in", ["0"])


async def outcomes(world: World, batch: Batch) -> list[tuple[str | None, str | None]]:
    """custom_id and error code of every line of both files, the output file's first."""
    lines = [*await world.lines(batch.output_file_id), *await world.lines(batch.error_file_id)]
    return [(line["custom_id"], line["error"] and line["error"]["code"]) for line in lines]


def ran(*numbers: int) -> list[tuple[str, None]]:
    return [(f"c{number}", None) for number in numbers]


def failed(*numbers: int) -> list[tuple[str, str]]:
    return [(f"c{number}", "internal_error") for number in numbers]


LOST = (None, "internal_error")


async def test_an_input_that_ends_early(world: World) -> None:
    """The chunks that are there run; of the one that was cut, each line fails, by its custom_id where that is there."""
    batch = await world.batch(6, per_chunk=2)
    data = await read_all(world.service.stores.blobs, "files/in")
    await put_input(world, data[: data.index(b'{"custom_id":"c4"') + 20])
    batch = await run(world, batch)

    assert (batch.status, batch.completed, batch.failed) == (Status.COMPLETED, 2, 4)
    assert await outcomes(world, batch) == [*ran(1, 2), *failed(3, 4), LOST, LOST]


async def test_what_can_still_run_is_not_failed(world: World) -> None:
    """The second chunk is cut, and nobody has worked on the first yet: its lines have to run."""
    batch = await world.batch(4, per_chunk=2)
    await put_input(world, (await read_all(world.service.stores.blobs, "files/in"))[:-10])

    assert await finish_batch(cursor(batch)) == {"done": False, "status": Status.IN_PROGRESS}
    assert (await run(world, batch)).completed == 2


def joined(data: bytes) -> bytes:
    return data.replace(b"}\n", b"} ", 1)


def divided(data: bytes) -> bytes:
    return data.replace(b'"method":"POST",', b'"method":\n"POS",', 1)


def other_words(data: bytes) -> bytes:
    return data.replace(b'"p2"', b'"p9"', 1)


def other_file(data: bytes) -> bytes:
    lines = b"".join(b'{"custom_id":"x%d"}\n' % number for number in range(len(data)))
    return lines[: len(data)]


@pytest.mark.parametrize(
    ("damage", "sound"),
    [(joined, range(21, 31)), (divided, range(21, 31)), (other_words, range(21, 31)), (other_file, range(0))],
)
async def test_an_input_damaged_in_place(world: World, damage: Callable[[bytes], bytes], sound: range) -> None:
    """The file is as large as before; a chunk that holds other lines than planned, more or fewer, does not run."""
    batch = await accepted(world, 30)
    await put_input(world, damage(await read_all(world.service.stores.blobs, "files/in")))
    batch = await run(world, batch)
    output, errors = await world.lines(batch.output_file_id), await world.lines(batch.error_file_id)

    assert (batch.status, batch.completed, batch.failed) == (Status.COMPLETED, len(sound), 30 - len(sound))
    assert len({line["id"] for line in output + errors}) == 30
    assert {line["error"]["code"] for line in errors} == {"internal_error"}
    assert set(world.upstream.asked) == {f"p{number}" for number in sound}


async def test_what_ran_before_the_damage_is_kept(world: World) -> None:
    """The rest of its chunk fails, by name where that can be read."""
    batch = await world.batch(3)
    world.upstream.script = lambda prompt, _: 0.0 if prompt == "p1" else 60.0
    await stopped(world, batch, 1)
    data = await read_all(world.service.stores.blobs, "files/in")
    await put_input(world, data[:-5] + b"   \n{")
    batch = await run(world, batch)

    assert await outcomes(world, batch) == [*ran(1), *failed(2, 3)]


async def test_more_damaged_chunks_than_a_lane_may_have_open(world: World) -> None:
    """They end all the same."""
    batch = await world.batch(60, per_chunk=3)
    await put_input(world, (await read_all(world.service.stores.blobs, "files/in")).replace(b"\n", b" "))
    batch = await run(world, batch)

    assert (batch.status, batch.completed, batch.failed) == (Status.COMPLETED, 0, 60)


async def test_a_journal_with_a_line_that_its_chunk_has_not(world: World) -> None:
    """It is as if it was never written: every line is answered once."""
    batch = await world.batch(4, per_chunk=2)
    world.upstream.script = lambda prompt, _: 0.0 if prompt == "p1" else 60.0
    await stopped(world, batch, 1)
    journal = await read_all(world.service.stores.blobs, journal_blob(batch.id, 0))
    await world.service.stores.blobs.delete(journal_blob(batch.id, 0))
    await world.service.stores.blobs.append(journal_blob(batch.id, 0), journal.replace(b"[1,", b"[7,"))
    world.upstream.script = lambda *_: 0.0
    batch = await run(world, batch)

    assert await outcomes(world, batch) == ran(1, 2, 3, 4)


async def test_an_input_that_is_gone(world: World) -> None:
    """What has run before is kept; the ids of the lines are those of their places."""
    batch = await world.batch(4, per_chunk=2)
    await run_first_chunk(world, batch)
    await world.service.stores.blobs.delete("files/in")
    batch = await run(world, batch)
    lines = [*await world.lines(batch.output_file_id), *await world.lines(batch.error_file_id)]

    assert (batch.status, batch.completed, batch.failed) == (Status.COMPLETED, 2, 2)
    assert len({line["id"] for line in lines}) == 4


async def run_first_chunk(world: World, batch: Batch) -> None:
    plan = await read_all(world.service.stores.blobs, plan_blob(batch.id, None))
    await world.service.stores.blobs.put(plan_blob(batch.id, None), plan[: plan.index(b",[1,")] + b"]}")
    await work_lane(cursor(batch))
    await world.service.stores.blobs.put(plan_blob(batch.id, None), plan)


async def test_a_cancelled_batch_whose_input_is_gone_ends(world: World) -> None:
    """Its lines are told as cancelled; nobody knows their names any more."""
    batch = await world.batch(2)
    await world.service.stores.blobs.delete("files/in")
    batch = await run(world, await change(world.service, batch, CancelRequested()))

    assert (batch.status, batch.failed) == (Status.CANCELLED, 0)
    assert await outcomes(world, batch) == [(None, "batch_cancelled")] * 2


async def accepted(world: World, lines: int) -> Batch:
    """A batch with a plan that validation has made."""
    return await accepted_batch(world, lines)


async def accepted_batch(world: World, lines: int, *, validations: int = 1, **changes: Any) -> Batch:
    """The same after so many `validations` at once."""
    before = {"status": Status.VALIDATING, "in_progress_at": None, "total": 0, "chunks": 0, "deployment": None}
    batch = await world.batch(lines, **before, **changes)
    size = await world.service.stores.blobs.size("files/in")
    file = File(
        id=INPUT_FILE,
        owner=OWNER,
        filename="in.jsonl",
        purpose="batch",
        bytes=size,
        created_at=batch.created_at,
        expires_at=None,
        blob="files/in",
    )
    await world.service.stores.files.insert(file)
    await asyncio.gather(*(validate_input(cursor(batch)) for _ in range(validations)))
    return await world.read(batch)


@pytest.mark.parametrize("damaged", [None, b"", b'{"chunks":[[0,0,1,1,30,9]]}', b"\x00" * 40])
async def test_a_plan_that_is_gone_or_damaged_is_made_again(world: World, damaged: bytes | None) -> None:
    """From the input, to the same bytes; the batch completes."""
    batch = await accepted(world, 30)
    await world.service.stores.blobs.delete(plan_blob(batch.id, batch.plan))
    if damaged is not None:
        await world.service.stores.blobs.put(plan_blob(batch.id, batch.plan), damaged)
    batch = await run(world, batch)

    assert (batch.status, batch.completed, batch.failed) == (Status.COMPLETED, 30, 0)


async def test_a_plan_is_made_again_when_the_model_may_not_be_used_any_more(world: World) -> None:
    """The batch was let in when it might: it runs to its end."""
    batch = await accepted(world, 30)
    await world.service.stores.blobs.delete(plan_blob(batch.id, batch.plan))
    nothing = ModelPermissions(mode=ModelMode.ALLOW_LIST, model_ids=())
    project = msgspec.structs.replace(default_project(batch.created_at), model_permissions=nothing)
    await world.service.stores.projects.insert(project)
    batch = await run(world, batch)

    assert (batch.status, batch.completed, batch.failed) == (Status.COMPLETED, 30, 0)


async def test_a_plan_that_cannot_be_made_again(world: World) -> None:
    """What ran is delivered, the rest counts as failed, and the batch says so."""
    batch = await accepted(world, 30)
    world.upstream.script = lambda prompt, _: 0.0 if int(prompt[1:]) <= 25 else 60.0
    await stopped(world, batch, 25)
    await world.service.stores.blobs.delete(plan_blob(batch.id, batch.plan))
    with use(world.with_settings(chunk_lines=7)):  # Changed since the batch was accepted: its plan would be another.
        batch = await run(world, batch)

    assert (batch.status, batch.completed + batch.failed, batch.total) == (Status.COMPLETED, 30, 30)
    assert batch.completed == len(await world.lines(batch.output_file_id)) == 25
    assert "lost track of 5 requests" in batch.errors[0].message


async def stopped(world: World, batch: Batch, kept: int) -> None:
    """A lane whose activity is cancelled in mid-work, with so many lines in its journals."""
    lane = asyncio.create_task(work_lane(cursor(batch)))
    while sum(row.finished for row in await world.service.stores.chunks.list(batch.id)) < kept:
        await asyncio.sleep(0.01)
    lane.cancel()
    await asyncio.gather(lane, return_exceptions=True)


async def test_a_damaged_entry_of_a_journal_is_asked_again(world: World) -> None:
    """The others count."""
    batch = await world.batch(3)
    world.upstream.script = lambda prompt, _: 0.0 if prompt != "p3" else 60.0
    await stopped(world, batch, 2)
    journal = await read_all(world.service.stores.blobs, journal_blob(batch.id, 0))
    first, *others = journal.splitlines(keepends=True)
    await world.service.stores.blobs.delete(journal_blob(batch.id, 0))
    await world.service.stores.blobs.append(
        journal_blob(batch.id, 0), b"\x00" * (len(first) - 1) + b"\n" + b"".join(others)
    )
    world.upstream.script = lambda *_: 0.0
    batch = await run(world, batch)

    assert (batch.status, batch.completed) == (Status.COMPLETED, 3)
    assert sorted(world.upstream.asked.values()) == [1, 2, 2]


async def test_a_store_that_does_not_answer_is_no_damage(world: World) -> None:
    """Only what the store says is gone is gone."""
    batch = await world.batch(2)
    size = world.service.stores.blobs.size

    async def silent(name: str) -> int:
        raise OSError(name)

    world.service.stores.blobs.size = silent  # type: ignore[method-assign]
    for activity in (work_lane, finish_batch):
        with pytest.raises(OSError, match="files/in"):
            await activity(cursor(batch))
    world.service.stores.blobs.size = size  # type: ignore[method-assign]

    assert (await run(world, batch)).completed == 2
