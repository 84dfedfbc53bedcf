"""The engine: orchestrations run to their end, through restarts and kills, and clients can steer them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from local_host.durable.clock import RealClock
from local_host.durable.engine import Engine
from local_host.durable.history import History
from local_host.durable.instance import RuntimeStatus
from local_host.durable.refusals import InstanceExists, UnknownFunction
from local_host.workers.activity_pool import ActivityPool
from shared.domain.errors import Unavailable
from tests.local_host.engine_host import SkippingClock, ended
from tests.local_host.orchestrations import ORCHESTRATORS

ROOT = Path(__file__).parents[2]
LANES_RESULT = {"b1": "24", "b1:lane:0": "12", "b1:lane:1": "12"}


@pytest.mark.parametrize(
    ("name", "input_json", "output"),
    [
        ("fan_out", '{"n": 3}', {"total": 30}),
        ("generations", "0", 2),
        ("sequence", "5", 20),
        ("not_a_generator", None, {"at": "once"}),
        ("window", None, [0, 10, 20, 30, 40]),
        ("race", "0.01", "timeout"),
    ],
)
async def test_orchestration_completes(host, name, input_json, output):
    """An orchestration runs to its end and its return value is the output."""
    status = await host.run(name, input_json)

    assert (RuntimeStatus.COMPLETED, output) == (status.runtime_status, json.loads(status.output_json))


async def test_input_is_kept(host):
    """The status shows name, input and both times."""
    status = await host.run("sequence", "2")

    assert ("sequence", "2") == (status.name, status.input_json)
    assert status.created_at <= status.updated_at


async def test_children_answer_their_parent(host):
    """A child's result reaches the parent; a failed child raises there, with the platform's words."""
    status = await host.run("parent")

    result, failure = json.loads(status.output_json)
    assert {"p": 1} == result
    assert failure.startswith(
        "Orchestrator function 'bad' failed: child failed \n Message: child failed, StackTrace:    at System."
    )


async def test_generations_keep_their_parent(host):
    """A child that continues as new answers its parent from its last generation."""
    await host.engine.start_new("lanes", "b1", "5")
    await host.ended()

    statuses = await host.engine.list_statuses(prefix="b1")
    assert {"b1": "60", "b1:lane:0": "30", "b1:lane:1": "30"} == {one.instance_id: one.output_json for one in statuses}


async def test_uncaught_failure_fails_the_instance(host):
    """A failure nobody caught ends the instance; the output says what failed, the custom status stays."""
    status = await host.run("uncaught")

    assert (RuntimeStatus.FAILED, '{"phase": "x"}') == (status.runtime_status, status.custom_status_json)
    assert json.loads(status.output_json).startswith(
        "Orchestrator function 'uncaught' failed: Activity function 'always'"
    )


def raising(_):
    raise RuntimeError("outside the protocol")


@pytest.mark.parametrize(
    ("handle", "reason"),
    [
        (raising, "outside the protocol"),
        (lambda _: "<html>", "not what the durable SDK writes"),
        (lambda _: None, "not what the durable SDK writes"),
    ],
)
async def test_handle_outside_the_protocol_fails_its_instance_only(host, handle, reason):
    """Whatever an orchestrator does, its instance fails with a reason and the next one runs."""
    host.orchestrators["broken"] = handle
    await host.restart()

    assert reason in json.loads((await host.run("broken")).output_json)
    assert (await host.run("sequence", "1")).runtime_status is RuntimeStatus.COMPLETED


@pytest.mark.parametrize(
    ("name", "named"), [("retrying", "CALL_ACTIVITY_WITH_RETRY"), ("entity", "CALL_ENTITY"), ("versioned", "versions")]
)
async def test_what_is_not_emulated_fails_its_instance(host, name, named):
    """An action this host does not emulate fails the instance, naming the action."""
    status = await host.run(name)

    assert status.runtime_status is RuntimeStatus.FAILED
    assert named in status.output_json


async def test_unknown_child_fails_its_parent(host):
    """A sub-orchestration of a name the app does not have fails in the parent."""
    del host.orchestrators["bad"]
    await host.restart()

    assert "no orchestrator named 'bad'" in (await host.run("parent")).output_json


async def test_start_of_a_running_id_is_refused(host):
    """An id that has not ended cannot be started again."""
    await host.engine.start_new("wait_for_cancel", "b1", None)

    with pytest.raises(InstanceExists, match="'b1' already exists"):
        await host.engine.start_new("sequence", "b1", "1")


async def test_ended_id_can_be_used_again(host):
    """An ended instance gives way to a new one of the same id."""
    await host.run("sequence", "1")

    assert (await host.run("sequence", "3")).output_json == "6"


async def test_start_of_an_unknown_name_is_refused(host):
    """A name the app does not have is refused, with those it has."""
    with pytest.raises(UnknownFunction, match=r"no orchestrator named 'nope'; it has: .*sequence"):
        await host.engine.start_new("nope", None, None)


async def test_start_makes_ids(host):
    """Without an id, each start gets one of its own."""
    ids = {await host.engine.start_new("sequence", None, "0") for _ in range(3)}

    assert len(ids) == 3


async def test_events_reach_their_waits_in_order(host):
    """Events raised one by one while the orchestration waits arrive in order, as JSON text."""
    await host.engine.start_new("two_events", "b1", None)
    await host.settled("b1", RuntimeStatus.RUNNING)
    for value in ("1", "2"):
        await host.engine.raise_event("b1", "go", value)
        await asyncio.sleep(0.05)

    assert ["1", "2"] == json.loads((await host.ended()).output_json)


async def test_unconsumed_event_reaches_the_next_generation(host):
    """An event raised before continue-as-new is there for the generation that waits for it."""
    await host.engine.start_new("event_after_restart", "b1", "0")
    await host.activities.began.wait()
    await host.engine.raise_event("b1", "late", '{"n": 1}')
    host.activities.release.set()

    assert '{"n": 1}' == json.loads((await host.ended()).output_json)


async def test_activity_without_result_runs_again(host):
    """An activity that a stop cut off is dispatched at the next start, and the orchestration completes."""
    await host.engine.start_new("race", "b1", "3600")
    await host.activities.began.wait()
    await host.restart()
    host.activities.release.set()

    assert ["activity", 2] == json.loads((await host.ended()).output_json)
    assert 2 == host.activities.ran.count(("slow", "null"))


async def test_stop_waits_for_activities(host):
    """An activity that ends within the grace of a stop is not run again, and what follows it runs at the next start."""
    await host.engine.start_new("race", "b1", "3600")
    await host.activities.began.wait()
    asyncio.get_running_loop().call_later(0.1, host.activities.release.set)
    await host.restart(grace_seconds=5)
    await host.ended()

    assert [("slow", "null"), ("after", "42")] == host.activities.ran


async def test_timer_outlives_a_restart(host):
    """A timer that fell due while the host was down fires at the next start."""
    await host.engine.start_new("race", "b1", "0.3")
    await host.activities.began.wait()
    await host.engine.stop(0)
    await asyncio.sleep(0.4)
    await host.start()

    assert "timeout" == json.loads((await host.ended()).output_json)


async def test_timer_fires_at_its_time_by_the_clock(host):
    """A timer of an hour fires after an hour of the engine's clock, not before."""
    host.clock = {"clock": SkippingClock()}
    await host.restart()
    began = host.clock["clock"].now()
    await host.run("race", "3600")

    assert timedelta(hours=1) <= host.clock["clock"].now() - began < timedelta(hours=1, minutes=1)


async def test_instances_without_code_are_left_alone(host, caplog):
    """Instances of a name the app no longer has are kept, named in the log, and go on when the code is back."""
    await host.engine.start_new("two_events", "b1", None)
    await host.settled("b1", RuntimeStatus.RUNNING)
    del host.orchestrators["two_events"]
    with caplog.at_level(logging.WARNING):
        await host.restart()
    for value in ("1", "2"):
        await host.engine.raise_event("b1", "go", value)
    await asyncio.sleep(0.05)

    assert "no orchestrator two_events any more" in caplog.text
    assert not (await host.engine.status("b1")).is_ended
    host.orchestrators["two_events"] = ORCHESTRATORS["two_events"]
    await host.restart()
    assert (await host.ended()).runtime_status is RuntimeStatus.COMPLETED


class Hurried(RealClock):
    """Seconds pass a hundred times as fast, hours do not."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 100 if seconds < 10 else seconds)


async def test_full_disk_delays_and_loses_nothing(host, monkeypatch):
    """A step that could not be written is written later; its activity does not run again for it."""
    host.clock = {"clock": Hurried()}
    await host.restart()
    await host.engine.start_new("race", "b1", "3600")
    await host.activities.began.wait()
    real, failures = host.engine._history.write, iter([Unavailable("full"), Unavailable("full")])

    async def write(work):
        for failure in failures:
            raise failure
        return await real(work)

    monkeypatch.setattr(host.engine._history, "write", write)
    host.activities.release.set()
    await asyncio.sleep(0.1)

    assert ["activity", 2] == json.loads((await host.ended()).output_json)
    assert 1 == host.activities.ran.count(("slow", "null"))


async def test_late_answers_to_an_earlier_generation_are_dropped(host):
    """What an earlier generation asked for does not disturb the next one's tasks."""
    await host.engine.start_new("race", "b1", "0.05")
    await host.activities.began.wait()
    await host.ended()
    await host.engine.start_new("sequence", "b1", "3")
    host.activities.release.set()

    assert "6" == (await host.ended()).output_json


def crash(folder: Path, statements: range) -> list[dict]:
    command = [sys.executable, "-m", "tests.local_host.crashing_host", str(folder), *map(str, statements)]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=110)
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_kill_between_any_two_statements_loses_nothing(tmp_path):
    """kill -9 before any SQL statement, twice in a row: the orchestration completes with the right result.

    Each activity has run at least once, and again at most once for each kill.
    """
    found = crash(tmp_path, range(2, 210, 13))

    killed = [one for one in found if one["ended_by"] == [signal.SIGKILL, signal.SIGKILL, 0]]
    assert len(killed) >= 10
    assert [LANES_RESULT] * len(found) == [one["result"] for one in found]
    assert all(2 <= one["runs"][str(value)] <= 2 * 3 for one in found for value in (1, 2, 3))


async def test_killed_worker_costs_the_orchestration_a_pause(tmp_path):
    """kill -9 of an activity's worker: the orchestration sees a failure, calls again, and the next worker serves it."""
    notes = tmp_path / "notes"
    pool = ActivityPool(processes=1, bootstrap="tests.local_host.sample_activities:bootstrap", environment={})
    engine = Engine(
        history=History(tmp_path / "history.db"), orchestrators=ORCHESTRATORS, activities=pool, activity_slots=2
    )
    await pool.start()
    await engine.start()
    await engine.start_new("insists", "b1", json.dumps(str(notes)))
    async with asyncio.timeout(60):
        while not notes.exists():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    status = await ended(engine, "b1")
    await engine.stop()
    await pool.stop(0)

    assert (RuntimeStatus.COMPLETED, "2") == (status.runtime_status, status.output_json)


async def test_a_hundred_activities_in_a_row(host, capsys):
    """A hundred activities of no length, one after another, complete; the time is printed, not judged."""
    began = time.monotonic()
    status = await host.run("sequence", "100")

    with capsys.disabled():
        print(f"\n100 sequential activities: {time.monotonic() - began:.2f} s")  # noqa: T201
    assert "9900" == status.output_json
