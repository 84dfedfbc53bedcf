"""However a run ends, started again it goes on, and nothing is sent twice."""

from __future__ import annotations

import csv
import re
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest

from bench.programs import Mock, Service
from tests.dbatch.between import Between, between, creates_batch
from tests.dbatch.running import PROGRAM, dbatch, environment

ROWS = 60


@pytest.fixture
def ask(tmp_path: Path) -> tuple[str, ...]:
    """A run of sixty rows in four batches, all of them slow enough to be interrupted."""
    table = tmp_path / "q.csv"
    table.write_text("text\n" + "".join(f"{tmp_path.name} {number} [[latency=50]]\n" for number in range(ROWS)))
    files = (str(table), "--out", str(tmp_path / "a.csv"))
    return ("run", *files, "--model", "m", "--prompt", "{{text}}", "--batch-requests", "15")


@pytest.fixture
def fresh_mock(mock: Mock) -> Mock:
    mock.reset()
    return mock


def _kill_when(url: str, ask: tuple[str, ...], sign: str) -> None:
    """kill -9, as soon as it has said `sign`, a pattern."""
    process = subprocess.Popen([*PROGRAM, *ask], stderr=subprocess.PIPE, text=True, env=environment(url))
    assert process.stderr is not None
    with process.stderr as lines:
        said = ""
        while not re.search(sign, said):
            said += lines.readline() or pytest.fail(said)
        process.kill()
        process.wait()


def _batches(service: Service, run_file: Path) -> int:
    """How many the service has of this run, by their metadata."""
    database = sqlite3.connect(run_file)
    ((run,),) = database.execute("SELECT value FROM about WHERE name = 'id'")
    database.close()
    with service.openai as client:
        return sum((batch.metadata or {}).get("dbatch_run") == run for batch in client.batches.list())


def _is_whole(tmp_path: Path) -> bool:
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return len(rows) == ROWS and all(row["answer"] == f"echo: {row['text']}" for row in rows)


def test_killed_and_started_again(service: Service, fresh_mock: Mock, ask: tuple[str, ...], tmp_path: Path) -> None:
    """Between two batches, and while it collects: each row was asked once, in four batches."""
    for sign in ("Batch 2 is", "[1-4] of 4 batches ended"):
        _kill_when(service.url, ask, sign)
    dbatch(service.url, *ask)

    assert _is_whole(tmp_path)
    assert _batches(service, tmp_path / "a.csv.state") == 4
    stats = fresh_mock.stats()
    assert (stats["requests"], stats["extra_answers"]) == (ROWS, 0)


@pytest.mark.parametrize("drop", [frozenset(), frozenset({"idempotency-key", "x-stainless-retry-count"})])
def test_an_answer_that_is_lost(
    service: Service, fresh_mock: Mock, ask: tuple[str, ...], tmp_path: Path, drop: frozenset[str]
) -> None:
    """A batch whose creation was not answered is found again, also by a server that knows no Idempotency-Key."""
    lost = iter((True, False, True))
    with between(service.url, drop=drop, lose=lambda call: creates_batch(call) and next(lost, False)) as way:
        _, said = dbatch(way.url, *ask)

    assert "looking whether it is there" in said
    assert _is_whole(tmp_path)
    assert _batches(service, tmp_path / "a.csv.state") == 4
    assert fresh_mock.stats()["extra_answers"] == 0


def test_killed_while_it_creates_a_batch(
    service: Service, fresh_mock: Mock, ask: tuple[str, ...], tmp_path: Path
) -> None:
    """The service has the batch, the program died before it heard of it: the next start finds it by its metadata."""
    created = threading.Event()

    def hold(call: object) -> bool:
        if not creates_batch(call):  # type: ignore[arg-type]
            return False
        created.set()
        time.sleep(3)
        return True

    with between(service.url, lose=hold) as way:
        process = subprocess.Popen([*PROGRAM, *ask], stderr=subprocess.DEVNULL, env=environment(way.url))
        assert created.wait(60)
        process.kill()
        process.wait()
        _go_on(way)
        dbatch(way.url, *ask)

    assert _is_whole(tmp_path)
    assert _batches(service, tmp_path / "a.csv.state") == 4
    assert fresh_mock.stats()["extra_answers"] == 0


def _go_on(way: Between) -> None:
    way.lose = lambda _: False
    way.drop = frozenset({"idempotency-key"})


def test_two_runs_at_once(service: Service, tmp_path: Path) -> None:
    """The second one leaves the first alone."""
    (tmp_path / "q.txt").write_text("one\n")
    ask = ("run", str(tmp_path / "q.txt"), "--model", "m", "--out", str(tmp_path / "a.csv"))
    first = subprocess.Popen([*PROGRAM, *ask], stderr=subprocess.PIPE, text=True, env=environment(service.url))
    assert first.stderr is not None
    with first.stderr as lines:
        lines.readline()
        first.send_signal(signal.SIGSTOP)
        _, said = dbatch(service.url, *ask, exits=1)
        first.send_signal(signal.SIGCONT)
        lines.read()

    assert "Is another `dbatch run` at it?" in said
    assert first.wait(60) == 0
