"""The results route: pages in input order, what they leave out, and what their headers say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.chunk import ChunkRow, Plan, PlannedChunk, plan_blob
from shared.domain.usage.usage import Usage
from shared.run.chunks.journal import Entry, Journal
from shared.services import Services
from tests.api.belongings import Furnisher
from tests.api.harness import Clock

Running = Callable[..., Awaitable[str]]


def line(number: int) -> bytes:
    return b'{"custom_id":"c%d"}' % number


@pytest.fixture
def running(services: Services, clock: Clock) -> Running:
    """A running batch of two chunks of five lines, of which these have finished; the path of its results."""

    async def make(*finished: int, failed: tuple[int, ...] = (), status: Status = Status.IN_PROGRESS) -> str:
        mine = await Furnisher(services, "default", clock()).furnish()
        stored = await services.stores.batches.get("default", mine.ids["batch"][1])
        assert stored
        batch: Batch = msgspec.structs.replace(stored.value, status=status, plan=None)
        await services.stores.batches.replace(batch, stored.version)
        chunks = [
            PlannedChunk(index=index, start=0, length=9, first_line=1 + 5 * index, lines=5, tokens=9)
            for index in range(2)
        ]
        await services.stores.blobs.put(plan_blob(batch.id, None), msgspec.json.encode(Plan(chunks=tuple(chunks))))
        for chunk in chunks:
            row = ChunkRow(batch_id=batch.id, index=chunk.index)
            journal = Journal(services.stores.blobs, row, services.capacity.results)
            for number in finished:
                if chunk.first_line <= number < chunk.first_line + 5:
                    journal.add(Entry(number, number not in failed, Usage(), None, msgspec.Raw(line(number))))
            await journal.write()
            journal.release()
        return f"/v1/batches/batch_{batch.id}/results"

    return make


def told(answer: httpx.Response) -> tuple[list[str], str, str]:
    """custom_ids, whether more will come, and the last line."""
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jsonl")
    found = [msgspec.json.decode(each)["custom_id"] for each in answer.content.splitlines()]
    return found, answer.headers["x-incomplete"], answer.headers["x-last-line"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, (["c1", "c2", "c3", "c4", "c5", "c6", "c7"], "true", "7")),
        ({"after": 5}, (["c6", "c7"], "true", "7")),
        ({"after": 7}, ([], "true", "7")),
        ({"after": 3, "limit": 2}, (["c4", "c5"], "true", "5")),
        ({"status": "failed"}, (["c3", "c7"], "true", "7")),
        ({"status": "failed", "limit": 1}, (["c3"], "true", "6")),
        ({"status": "succeeded", "after": 5}, (["c6"], "true", "7")),
        ({"custom_id": "c9"}, (["c9"], "false", "9")),
        ({"custom_id": "c8"}, ([], "true", "9")),
    ],
)
async def test_a_running_batch_is_read_in_order(
    api: httpx.AsyncClient, running: Running, params: dict[str, Any], expected: tuple[list[str], str, str]
) -> None:
    """Line 8 has not finished: nothing past it but for whoever asks for a line by name."""
    path = await running(9, 7, 6, 5, 4, 3, 2, 1, failed=(3, 7))
    assert told(await api.get(path, params=params)) == expected


async def test_a_batch_that_waits_has_an_empty_page(api: httpx.AsyncClient, running: Running) -> None:
    """To be asked again."""
    assert told(await api.get(await running())) == ([], "true", "0")


async def test_a_batch_that_failed_has_no_results(api: httpx.AsyncClient, running: Running) -> None:
    """And none will come."""
    path = await running(status=Status.FAILED)
    assert told(await api.get(path)) == ([], "false", "0")


@pytest.mark.parametrize(
    "params",
    [{"after": "-1"}, {"after": "x"}, {"after": "9" * 4_000}, {"limit": 0}, {"limit": 50_001}, {"status": "all"}],
)
async def test_a_wrong_parameter_is_refused(api: httpx.AsyncClient, running: Running, params: dict[str, Any]) -> None:
    """By name."""
    answer = await api.get(await running(), params=params)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, next(iter(params)))


async def test_results_of_files_that_are_gone_are_refused(
    api: httpx.AsyncClient, services: Services, clock: Clock
) -> None:
    """The message says what is left to do."""
    mine = await Furnisher(services, "default", clock()).furnish()
    completed = f"/v1/batches/batch_{mine.ids['batch'][2]}/results"
    gone = await api.get(completed)
    assert (gone.status_code, "Download what is left" in gone.json()["error"]["message"]) == (409, True)
