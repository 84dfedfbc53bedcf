"""The task hub is gone, the stores are not: every run is built anew from the records (docs/operations.md)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bench.programs import Mock, Service, chat_line, jsonl
from local_host.stores.stores import open_stores

LINES = 1200
CONCURRENCY = 32
# As after any kill (ARCHITECTURE.md): what was in flight, and per lane what was not yet in the journal.
BOUND = CONCURRENCY + 4 * 2 * 64
SOON = 240.0  # tend_batches looks every 15 s; then the rest of the batch


@pytest.fixture
def mock(tmp_path: Path) -> Iterator[Mock]:
    program = Mock(tmp_path, "--latency-ms", "50")
    program.start()
    yield program
    program.stop()


@pytest.fixture
def service(tmp_path: Path, mock: Mock) -> Iterator[Service]:
    program = Service(tmp_path, mock.url, deployment={"max_concurrency": CONCURRENCY})
    program.start()
    yield program
    program.stop()


def _lose_the_task_hub(service: Service, data: Path) -> None:
    """The host dies and its durable history with it; when it is back, an hour has gone by for the batches."""
    service.kill()
    lost = sorted(data.glob("history.db*"))
    assert lost
    for path in lost:
        path.unlink()
    asyncio.run(_an_hour_later(data))
    service.start()


async def _an_hour_later(data: Path) -> None:
    """A batch made just now would be left alone for some seconds: it may be on its way to its first start."""
    stores = open_stores(data)
    async for batch in stores.batches.unfinished():
        stored = await stores.batches.get(batch.owner, batch.id)
        assert stored is not None
        older = msgspec.structs.replace(stored.value, created_at=batch.created_at - timedelta(hours=1))
        await stores.batches.replace(older, stored.version)
    await stores.close()


def test_batches_outlive_the_task_hub(tmp_path: Path, mock: Mock, service: Service) -> None:
    """Without its task hub a finished batch stays readable, a running one completes, a cancelled one ends cancelled."""
    finished = service.run(jsonl(*(chat_line(n, f"before {n}") for n in range(5))))
    running, cancelled = (
        service.create(service.upload(jsonl(*(chat_line(n, f"{name} {n}") for n in range(LINES)))))
        for name in ("running", "cancelled")
    )
    until = time.monotonic() + 240
    while mock.stats()["requests"] < LINES // 2:
        assert time.monotonic() < until
        time.sleep(0.01)
    with service.openai as client:
        client.batches.cancel(cancelled)
    _lose_the_task_hub(service, tmp_path / "data")

    after_running, after_cancelled = (service.wait(batch_id, SOON, pause=0.2) for batch_id in (running, cancelled))
    again = mock.stats()["requests"] - mock.stats()["distinct_prompts"]
    print(f"\n{again} requests sent again, bound {2 * BOUND}")

    assert (after_running.status, after_running.request_counts.completed) == ("completed", LINES)
    assert [f"c{n}" for n in range(LINES)] == [
        line["custom_id"] for line in service.lines(after_running.output_file_id)
    ]
    assert after_cancelled.status == "cancelled"
    lines = [*service.lines(after_cancelled.output_file_id), *service.lines(after_cancelled.error_file_id)]
    assert sorted(f"c{n}" for n in range(LINES)) == sorted(line["custom_id"] for line in lines)
    assert len(service.lines(finished.output_file_id)) == 5
    assert "A lost run was started again." in service.log.read_text()
    assert again <= 2 * BOUND


def test_a_deployment_is_taken_away_and_put_back(tmp_path: Path, mock: Mock, service: Service) -> None:
    """Meanwhile its batch says what the operator has to do; afterwards it goes on by itself."""
    batch_id = service.create(service.upload(jsonl(*(chat_line(n) for n in range(LINES)))))
    until = time.monotonic() + 240
    while mock.stats()["requests"] < LINES // 4:
        assert time.monotonic() < until
        time.sleep(0.01)
    before = service.environment["BATCH_DEPLOYMENTS"]
    service.stop()
    service.environment = {**service.environment, "BATCH_DEPLOYMENTS": before.replace('"m"', '"another"', 1)}
    service.start()
    reason = _held_up(service, batch_id)
    service.stop()
    service.environment = {**service.environment, "BATCH_DEPLOYMENTS": before}
    service.start()
    batch = service.wait(batch_id, SOON, pause=0.2)

    assert "The deployment 'm' is gone from the service's configuration" in reason
    assert (batch.status, batch.request_counts.completed) == ("completed", LINES)


def _held_up(service: Service, batch_id: str) -> str:
    until = time.monotonic() + SOON
    with service.openai as client:
        while time.monotonic() < until:
            progress = client.batches.retrieve(batch_id).to_dict().get("progress", {})
            if held_up := progress.get("held_up"):
                return str(held_up["reason"])
            time.sleep(0.2)
    raise AssertionError("The batch never said why it waits.")
