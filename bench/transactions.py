"""How many calls to Azure Storage a batch takes: `python -m bench.transactions [--quick]`.

The service runs on Azurite, whose access log is counted: blobs by the classes in which Azure bills them, and tables.
Runs of different length and latency tell what grows with lines and what with time. The durable history is not in it:
on this machine it is a SQLite file. Its events are counted instead, which is what the Durable Task Scheduler bills.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.programs import Mock, Service, chat_line, jsonl
from bench.report import print_table
from local_host.durable.events import EventType
from tests import azurite

REQUEST = re.compile(r'"([A-Z]+) /devstoreaccount1/([^ ?]*)\??([^ ]*) HTTP')
CONTAINER = "batchfiles"
CLASSES = ("blob writes", "blob lists", "blob reads", "blob deletes", "table calls")
# What the Durable Task Scheduler bills as an action: a start, an activity and its result, a timer, a child's result.
ACTIONS = {
    EventType.EXECUTION_STARTED,
    EventType.TASK_SCHEDULED,
    EventType.TASK_COMPLETED,
    EventType.TASK_FAILED,
    EventType.SUB_ORCHESTRATION_COMPLETED,
    EventType.TIMER_FIRED,
}
SETTLE_SECONDS = 1.0


@dataclass(frozen=True)
class Load:
    """One batch: so many lines, each answered after so long, so many at a time."""

    lines: int
    latency_ms: int
    concurrency: int


LOADS = (Load(10, 10, 64), Load(1000, 10, 64), Load(10_000, 10, 64), Load(2000, 2000, 64), Load(4000, 2000, 64))


def kind_of(method: str, path: str, query: str) -> str:
    """The class Azure bills a call in. Setting up and reading properties count as what they are."""
    if not path.startswith(CONTAINER):
        return "table calls"
    if method == "DELETE":
        return "blob deletes"
    if "comp=list" in query and "blocklist" not in query:
        return "blob lists"
    return "blob writes" if method in {"PUT", "POST"} else "blob reads"


def count(log: str) -> Counter[str]:
    """Calls by class, and by what they are for: the first word of a blob's name, or the table."""
    found: Counter[str] = Counter()
    for method, path, query in REQUEST.findall(log):
        kind = kind_of(method, path, query)
        part = path.split("/")[1] if kind.startswith("blob") and "/" in path else path.split("(")[0]
        found[kind] += 1
        found[f"{kind}: {part}"] += 1
    return found


def actions(history: Path) -> int:
    """What a scheduler would bill of everything in the durable history."""
    with closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True)) as connection:
        events = connection.execute("SELECT event FROM history").fetchall()
    return sum(json.loads(event)["EventType"] in ACTIONS for (event,) in events)


def measure(load: Load) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mock = Mock(folder, "--latency-ms", str(load.latency_ms))
        mock.start()
        log = folder / "azurite.log"
        with azurite.running(log, access_log=True) as connection:
            service = Service(
                folder, mock.url, "--azurite", connection, deployment={"max_concurrency": load.concurrency}
            )
            service.start()
            try:
                service.run(jsonl(chat_line(0)))  # makes tables and connections
                file_id = service.upload(jsonl(*(chat_line(n, "x" * 400) for n in range(load.lines))))
                before = actions(folder / "data/history.db")
                begin, since = log.stat().st_size, time.perf_counter()
                batch = service.wait(service.create(file_id), 600, pause=5)
                seconds = time.perf_counter() - since
                time.sleep(SETTLE_SECONDS)
                billed = actions(folder / "data/history.db") - before
                calls = count(log.read_bytes()[begin:].decode())
            finally:
                service.stop()
                mock.stop()
        assert batch.request_counts.completed == load.lines, batch
        ran = batch.completed_at - batch.in_progress_at
        return {**vars(load), "seconds": seconds, "ran": ran, "calls": dict(calls), "actions": billed}


def run(*, quick: bool) -> dict[str, Any]:
    """Measure and show."""
    found = [measure(load) for load in (LOADS[1:4:2] if quick else LOADS)]
    rows = [
        [one["lines"], one["latency_ms"], one["ran"], *(one["calls"].get(kind, 0) for kind in CLASSES), one["actions"]]
        for one in found
    ]
    print_table("Calls to storage of one batch", ["lines", "upstream ms", "ran s", *CLASSES, "durable actions"], rows)
    return {"batches": found}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.transactions", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    run(quick=parser.parse_args().quick)


if __name__ == "__main__":
    main()
