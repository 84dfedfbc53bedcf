"""Activities in worker processes: what they get and give, and what happens when a process is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from local_host.workers.activity_pool import ActivityFailed, ActivityPool, PoolStopped
from tests.starved import stretched

ROOT = Path(__file__).parents[2]
BOOTSTRAP = "tests.local_host.sample_activities:bootstrap"


@asynccontextmanager
async def running(processes=1, bootstrap=BOOTSTRAP, function_timeout=timedelta.max, has_spare=False, **environment):
    pool = ActivityPool(
        processes=processes,
        bootstrap=bootstrap,
        environment=environment,
        function_timeout=function_timeout,
        has_spare=has_spare,
    )
    await pool.start()
    try:
        yield pool
    finally:
        await pool.stop(0)


async def until(condition, seconds=20):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_result_is_json():
    """An activity gets its decoded input; its result comes back as JSON text. `run` waits for the first worker."""
    async with running() as pool:
        assert await pool.run("double", "21") == "42"


async def test_text_that_is_no_json_arrives_as_it_is():
    """Input that does not decode reaches the activity as the string it is, as in the real worker."""
    async with running() as pool:
        assert await pool.run("double", "ab") == '"abab"'


async def test_activities_run_side_by_side():
    """Async activities and sync ones in threads share a worker without waiting for one another."""
    async with running() as pool:
        met = await asyncio.gather(*(pool.run(name, "6") for name in ("meets", "meets_in_a_thread") for _ in range(3)))

    assert met == ["true"] * 6


async def test_work_is_spread():
    """Each call goes to the least busy worker."""
    async with running(processes=2) as pool:
        await until(lambda: sum(worker.is_ready for worker in pool._workers) == 2)
        ran_in = await asyncio.gather(*(pool.run("process_id", "null") for _ in range(4)))
        pids = pool.pids

    assert sorted(map(str, pids * 2)) == sorted(ran_in)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("raising", r"Activity function 'raising' failed: ValueError: cannot use 7"),
        ("unserialisable", r"Activity function 'unserialisable' failed: TypeError: .*to_json"),
        ("unspeakable", r"failed: ValueError: half a pair: \\ud800"),
        ("cancelled", r"failed: CancelledError"),
        ("leaving", r"failed: SystemExit: 3"),
        ("missing", r"no activity named 'missing'; it has: .*double"),
    ],
)
async def test_failure_has_the_platforms_reason(name, reason):
    """A failing activity raises ActivityFailed with function, type and message; the worker goes on."""
    async with running() as pool:
        with pytest.raises(ActivityFailed, match=reason):
            await pool.run(name, "7")


async def test_failure_has_the_platforms_details():
    """A serialised .NET exception around the traceback, which the orchestrator sees after the reason."""
    async with running() as pool:
        with pytest.raises(ActivityFailed) as failed:
            await pool.run("raising", "7")

    details = json.loads(failed.value.failure.details)
    assert ("System.Exception", "ValueError: cannot use 7") == (details["ClassName"], details["Message"])
    assert "RpcException" in details["InnerException"]["$type"]
    assert details["InnerException"]["RemoteStackTrace"].startswith("Traceback (most recent call last)")


async def test_printing_does_not_disturb_the_channel(capfd):
    """What an activity prints, at any level, goes to stderr, and its result arrives."""
    async with running() as pool:
        assert await pool.run("noisy", "7") == "7"

    assert {"printed by Python", "printed by C", "printed by a child"} <= set(
        capfd.readouterr().err.replace("printed by C", "printed by C\n").split("\n")
    )


async def test_large_results_arrive():
    """A result of several megabytes comes through in one piece."""
    async with running() as pool:
        assert len(await pool.run("large", "5000000")) == 5_000_002


async def test_workers_have_the_environment():
    """`environment` reaches the workers."""
    async with running(A_SETTING="on") as pool:
        assert await pool.run("environment", '"A_SETTING"') == '"on"'


async def test_killed_worker_fails_its_work_and_is_replaced(tmp_path):
    """kill -9 of a worker: what it ran fails in the real host's words, once, and the next process serves."""
    notes = tmp_path / "notes"
    async with running() as pool:
        call = asyncio.create_task(pool.run("once_slow", json.dumps(str(notes))))
        await until(notes.exists)
        (first,) = pool.pids
        os.kill(first, signal.SIGKILL)

        with pytest.raises(ActivityFailed) as failed:
            await asyncio.wait_for(call, 60)
        assert await pool.run("double", "1") == "2"
        assert [first] != pool.pids
    failure = failed.value.failure
    assert failure.reason == "Activity function 'once_slow' failed: python exited with code 137 (0x89)"
    assert "WorkerProcessExitException" in json.loads(failure.details)["$type"]
    assert f"{first}\n" == notes.read_text()


async def test_a_spare_takes_over():
    """It works on nothing while the others live; when one dies it is there at once, and another becomes the spare."""
    async with running(has_spare=True) as pool:
        await until(lambda: sum(worker.is_ready for worker in pool._workers) == 2)
        first, spare = pool.pids
        ran_in = {await pool.run("process_id", "null") for _ in range(4)}
        os.kill(first, signal.SIGKILL)
        await until(lambda: first not in pool.pids)
        heir = await pool.run("process_id", "null")
        await until(lambda: len(pool.pids) == 2)

    assert {str(first)} == ran_in
    assert str(spare) == heir


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux lets a process change its command line.")
async def test_a_spare_is_known_by_its_title():
    """Until its first call, after which it is a worker like the others, for whoever lists processes."""
    async with running(has_spare=True) as pool:
        await until(lambda: sum(worker.is_ready for worker in pool._workers) == 2)
        first, spare = (psutil.Process(pid) for pid in pool.pids)
        before = " ".join(spare.cmdline())
        first.kill()
        await until(lambda: first.pid not in pool.pids)
        await pool.run("double", "1")
        after = " ".join(spare.cmdline())

    assert before.startswith("spare of the local host")
    assert "-m local_host.workers.activity_worker tests.local_host.sample_activities:bootstrap" in after


async def test_workers_hear_of_a_stop():
    """Before they are ended, so that what runs for long can end by itself."""
    async with running() as pool:
        call = asyncio.create_task(pool.run("until_the_host_stops", "null"))
        await until(lambda: pool._workers and pool._workers[0].calls)
        pool.begin_to_stop()

        assert await asyncio.wait_for(call, 60) == '"stops"'


async def test_exit_of_an_activitys_own_has_its_code():
    """An activity that ends its process has failed with that code."""
    async with running() as pool:
        with pytest.raises(ActivityFailed, match=r"python exited with code 3 \(0x3\)"):
            await pool.run("exiting", "3")


async def test_what_outlives_the_timeout_takes_its_worker_with_it():
    """It fails in the real host's words, its neighbours with the worker, and what comes next is served."""
    async with running(function_timeout=timedelta(seconds=2)) as pool:
        await pool.run("double", "1")
        long = asyncio.create_task(pool.run("sleeping", "60"))
        await asyncio.sleep(1)
        neighbour = asyncio.create_task(pool.run("sleeping", "60"))

        with pytest.raises(ActivityFailed, match="Timeout value of 00:00:02 was exceeded by function: sleeping"):
            await long
        with pytest.raises(ActivityFailed, match="python exited with code 137"):
            await neighbour
        assert await pool.run("double", "2") == "4"


async def test_broken_pipe_is_a_dead_worker(monkeypatch):
    """A worker whose pipe breaks before its end is noticed fails the activity like any dead one, and is replaced."""

    def write(_):
        raise RuntimeError("the handler is closed")

    async with running() as pool:
        await pool.run("double", "1")
        (first,) = pool.pids
        monkeypatch.setattr(pool._workers[0]._process.stdin, "write", write)

        with pytest.raises(ActivityFailed, match="python exited with code 137"):
            await pool.run("double", "2")
        assert await pool.run("double", "3") == "6"
        assert [first] != pool.pids


async def test_kill_of_one_worker_leaves_the_other_alone():
    """What runs in another worker goes on undisturbed; what ran in the dead one has failed."""
    async with running(processes=2) as pool:
        await until(lambda: sum(worker.is_ready for worker in pool._workers) == 2)
        calls = [asyncio.create_task(pool.run("asleep", str(n))) for n in range(2)]
        await asyncio.sleep(0.05)
        survivor = pool.pids[1]
        os.kill(pool.pids[0], signal.SIGKILL)

        first, second = await asyncio.gather(*calls, return_exceptions=True)
        assert survivor in pool.pids
    assert isinstance(first, ActivityFailed)
    assert second == "1"


async def test_signals_are_left_to_the_host():
    """A Ctrl-C or SIGTERM that reaches a worker does not end what it runs."""
    async with running() as pool:
        await pool.run("double", "1")
        call = asyncio.create_task(pool.run("asleep", "1"))
        await asyncio.sleep(0.05)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pool.pids[0], number)

        assert await call == "1"


async def test_stop_lets_work_end():
    """A graceful stop waits for what runs, and leaves no process."""
    async with running(processes=2) as pool:
        await pool.run("double", "1")
        call = asyncio.create_task(pool.run("asleep", "1"))
        await asyncio.sleep(0.05)
        pids = pool.pids
        await pool.stop(10)

        assert await call == "1"
    assert not [pid for pid in pids if is_alive(pid)]


async def test_stop_is_bounded(tmp_path):
    """What does not end in time is given up, to run again; also one that blocks its process."""
    notes = tmp_path / "notes"
    async with running() as pool:
        call = asyncio.create_task(pool.run("blocking", json.dumps(str(notes))))
        await until(notes.exists)
        began = time.monotonic()
        await pool.stop(0.1)

        with pytest.raises(PoolStopped):
            await call
    assert time.monotonic() - began < stretched(5)


async def test_nothing_begins_after_stop():
    """A stopped pool refuses work."""
    async with running() as pool:
        await pool.stop(0)

        with pytest.raises(PoolStopped):
            await pool.run("double", "1")


async def test_workers_that_are_still_starting_are_not_waited_for():
    """A stop in the first seconds ends at once: what imports would not hear that it should."""
    pool = ActivityPool(
        processes=2, bootstrap="tests.local_host.sample_activities:slow", environment={}, has_spare=True
    )
    await pool.start()
    await until(lambda: len(pool.pids) == 2)
    began, pids = time.monotonic(), pool.pids
    await pool.stop(0)
    assert time.monotonic() - began < stretched(1)
    assert not any(is_alive(pid) for pid in pids)


async def test_app_that_cannot_be_loaded_is_reported(caplog):
    """Workers that keep dying at the start are reported with the command that shows why, and retried ever slower."""
    async with running(bootstrap="tests.local_host.sample_activities:broken"):
        await until(lambda: any(record.levelname == "ERROR" for record in caplog.records), 30)

    (message, *_) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert message.endswith("-m local_host.workers.activity_worker tests.local_host.sample_activities:broken")


PARENT = """
import asyncio, json, sys
from local_host.workers.activity_pool import ActivityPool

async def main():
    pool = ActivityPool(processes=2, bootstrap="tests.local_host.sample_activities:bootstrap", environment={})
    await pool.start()
    await pool.run("double", "1")
    print(json.dumps(pool.pids), flush=True)
    await asyncio.gather(*(pool.run("blocking", json.dumps(sys.argv[1])) for _ in range(2)))

asyncio.run(main())
"""


async def test_workers_end_with_a_killed_host(tmp_path):
    """kill -9 of the host: its workers are gone at once, although an activity blocks their event loop."""
    notes = tmp_path / "notes"
    command = [sys.executable, "-c", PARENT, str(notes)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as host:  # noqa: ASYNC220
        pids = json.loads(host.stdout.readline())
        await until(notes.exists)
        host.kill()

        await until(lambda: not any(map(is_alive, pids)), 2)
