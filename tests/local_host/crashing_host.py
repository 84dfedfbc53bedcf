"""Runs one orchestration in processes that are killed at chosen SQL statements, then in one that is not.

`python -m tests.local_host.crashing_host FOLDER STATEMENT...`: for each number, a process is killed (SIGKILL) just
before that statement of its life, a second one likewise, a third runs to the end. One JSON line for each number. The
processes are forked, so that the imports are paid for once.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from local_host.durable.engine import Engine
from local_host.durable.history import History
from tests.local_host.orchestrations import ORCHESTRATORS


class NotedActivities:
    """Runs `double` here, after noting its input in a file, as the world outside would."""

    def __init__(self, notes: Path) -> None:
        self._notes = notes

    async def run(self, name: str, input_json: str) -> str:
        with self._notes.open("a") as file:
            file.write(f"{input_json}\n")
        await asyncio.sleep(0)
        return json.dumps(json.loads(input_json) * 2)


async def run(folder: Path, kill_at: int | None) -> None:
    history = History(folder / "history.db")
    if kill_at is not None:
        statements = 0

        def count(_: str) -> None:
            nonlocal statements
            statements += 1
            if statements == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        history._database._writing.set_trace_callback(count)
    activities = NotedActivities(folder / "notes")
    engine = Engine(history=history, orchestrators=ORCHESTRATORS, activities=activities, activity_slots=8)
    await engine.start()
    if await engine.status("b1") is None:
        await engine.start_new("lanes", "b1", "3")
    while not (await engine.status("b1")).is_ended:  # noqa: ASYNC110 - as a client would
        await asyncio.sleep(0.002)
    statuses = await engine.list_statuses()
    await engine.stop()
    (folder / "result").write_text(json.dumps({one.instance_id: one.output_json for one in statuses}))


def forked(folder: Path, kill_at: int | None) -> int:
    """The signal that ended the process, 0 for a good end."""
    pid = os.fork()
    if pid == 0:
        asyncio.run(run(folder, kill_at))
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def crash_at(folder: Path, statement: int) -> dict[str, object]:
    folder.mkdir()
    ended_by = [forked(folder, statement), forked(folder, statement), forked(folder, None)]
    runs = Counter((folder / "notes").read_text().split())
    result = json.loads((folder / "result").read_text())
    return {"statement": statement, "ended_by": ended_by, "result": result, "runs": runs}


if __name__ == "__main__":
    for number in map(int, sys.argv[2:]):
        print(json.dumps(crash_at(Path(sys.argv[1]) / str(number), number)), flush=True)  # noqa: T201
