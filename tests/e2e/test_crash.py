"""kill -9 at many moments of a batch: every line once in the files, and few requests paid twice."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from bench.programs import Mock, Service, chat_line, jsonl
from tests.starved import stretched

LINES = 2500
KILLS = 4
CONCURRENCY = 32
LANES = 4
JOURNAL_RESULTS = 64
# Per kill: what was in flight, and per lane what had finished and was not yet in the journal (ARCHITECTURE.md).
BOUND = CONCURRENCY + LANES * 2 * JOURNAL_RESULTS


@pytest.fixture
def mock(tmp_path: Path) -> Mock:
    program = Mock(tmp_path, "--latency-ms", "20", "--jitter-ms", "20")
    program.start()
    yield program
    program.stop()


@pytest.mark.parametrize(("victim", "seed"), [("host", 1), ("worker", 2), ("both", 3)])
def test_killed_again_and_again(tmp_path: Path, mock: Mock, victim: str, seed: int) -> None:
    """A batch during which the host or a worker is killed four times completes with every custom_id exactly once."""
    dice = random.Random(seed)
    service = Service(tmp_path, mock.url, deployment={"max_concurrency": CONCURRENCY})
    service.start()
    try:
        batch_id = service.create(service.upload(jsonl(*(chat_line(n) for n in range(LINES)))))
        for kill in range(KILLS):
            wait_for_requests(mock, mock.stats()["requests"] + dice.randrange(1, LINES // (KILLS + 1)))
            if victim == "host" or (victim == "both" and kill % 2):
                service.kill()
                service.start()
            else:
                dice.choice(service.workers()).kill()
        batch = service.wait(batch_id)
        output, error = service.lines(batch.output_file_id), service.lines(batch.error_file_id)
    finally:
        service.stop()
    again = mock.stats()["requests"] - mock.stats()["distinct_prompts"]
    print(f"\n{victim} killed {KILLS} times in {LINES} lines: {again} requests sent again, bound {KILLS * BOUND}")

    assert ("completed", LINES) == (batch.status, batch.request_counts.completed)
    assert [f"c{n}" for n in range(LINES)] == [line["custom_id"] for line in output]
    assert [] == error
    assert again <= KILLS * BOUND


def test_a_grouped_batch_killed_again_and_again(tmp_path: Path, mock: Mock) -> None:
    """Its lines travel and its results are merged: the host is killed at any moment, and when all is answered."""
    lines, prefixes, dice = 1500, 100, random.Random(4)
    prompts = [f"{n % prefixes} " * 4096 + f"question {n}" for n in range(lines)]
    service = Service(tmp_path, mock.url, deployment={"max_concurrency": CONCURRENCY})
    service.start()
    try:
        batch_id = service.create(service.upload(jsonl(*map(chat_line, range(lines), prompts))))
        for _ in range(KILLS):
            wait_for_requests(mock, mock.stats()["requests"] + dice.randrange(1, lines // (KILLS + 1)))
            restart(service)
        with service.openai as client:
            is_grouped = client.batches.retrieve(batch_id).to_dict()["progress"].get("results_at_end")
        while mock.stats()["prompts_answered"] < lines:
            time.sleep(0.005)
        restart(service)
        batch = service.wait(batch_id)
        output, error = service.lines(batch.output_file_id), service.lines(batch.error_file_id)
    finally:
        service.stop()
    again = mock.stats()["requests"] - mock.stats()["distinct_prompts"]

    assert is_grouped
    assert ("completed", lines) == (batch.status, batch.request_counts.completed)
    assert [f"c{n}" for n in range(lines)] == [line["custom_id"] for line in output]
    assert [] == error
    assert again <= (KILLS + 1) * BOUND


@pytest.mark.parametrize("moment", ["upload", "create", "validating", "finalizing", "completed"])
def test_killed_between_the_steps(tmp_path: Path, mock: Mock, moment: str) -> None:
    """A kill between the steps of a batch loses nothing that was acknowledged, and repeats no finished request."""
    service = Service(tmp_path, mock.url)
    service.start()
    try:
        file_id = service.upload(jsonl(*(chat_line(n) for n in range(300))))
        if moment == "upload":
            restart(service)
        batch_id = service.create(file_id)
        if moment == "validating":
            restart(service)
        if moment == "finalizing":
            while mock.stats()["prompts_answered"] < 300:
                time.sleep(0.005)
        if moment == "completed":
            service.wait(batch_id)
        if moment != "upload":
            restart(service)
        batch = service.wait(batch_id)
        output = service.lines(batch.output_file_id)
    finally:
        service.stop()

    assert ("completed", 300) == (batch.status, batch.request_counts.completed)
    assert [f"c{n}" for n in range(300)] == [line["custom_id"] for line in output]


def is_alive(worker: psutil.Process) -> bool:
    """A zombie is dead: whoever inherits it here may never ask for its exit code."""
    try:
        return worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for_requests(mock: Mock, count: int) -> None:
    until = time.monotonic() + 120
    while mock.stats()["requests"] < count:
        assert time.monotonic() < until
        time.sleep(0.005)


def restart(service: Service) -> None:
    service.kill()
    service.start()


def test_workers_die_with_their_host(tmp_path: Path, mock: Mock) -> None:
    """After a kill of the host no worker goes on calling the upstream."""
    service = Service(tmp_path, mock.url)
    service.start()
    service.create(service.upload(jsonl(*(chat_line(n) for n in range(LINES)))))
    wait_for_requests(mock, 100)
    workers = service.workers()
    service.kill()
    until = time.monotonic() + 60
    while any(is_alive(worker) for worker in workers):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def slow(tmp_path: Path) -> Mock:
    program = Mock(tmp_path, "--latency-ms", "6000")
    program.start()
    yield program
    program.stop()


def test_stop_asks_nothing_twice(tmp_path: Path, slow: Mock) -> None:
    """SIGTERM: nothing new is sent, answers that come within the grace are kept, and a person sees what is waited for."""
    service = Service(tmp_path, slow.url, "--grace", "30", deployment={"max_concurrency": 40})
    service.start()
    try:
        batch_id = service.create(service.upload(jsonl(*(chat_line(n) for n in range(60)))))
        wait_for_requests(slow, 40)
        service.stop()
        assert service.process.returncode == 0
        sent = slow.stats()["requests"]
        service.start()
        batch = service.wait(batch_id)
    finally:
        service.stop()
    stats = slow.stats()

    assert (40, 0) == (sent, stats["requests"] - stats["distinct_prompts"])
    assert ("completed", 60) == (batch.status, batch.request_counts.completed)
    assert "x work_lane, 30 s at most" in service.log.read_text()


@pytest.mark.parametrize(("grace", "signals"), [("300", 2), ("1", 1)])
def test_stop_is_bounded(tmp_path: Path, mock: Mock, grace: str, signals: int) -> None:
    """A second signal ends the host at once, and so does the end of the grace; the next start goes on."""
    service = Service(tmp_path, mock.url, "--grace", grace)
    service.start()
    try:
        batch_id = service.create(service.upload(jsonl(chat_line(0, "[[fail_first=1:hang]]"))))
        wait_for_requests(mock, 1)
        began = time.monotonic()
        for _ in range(signals):
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
        service.process.wait(60)
        took = time.monotonic() - began
        service.stop()
        service.start()
        batch = service.wait(batch_id)
    finally:
        service.stop()

    assert took < stretched(5.5)
    assert ("completed", 1) == (batch.status, batch.request_counts.completed)
