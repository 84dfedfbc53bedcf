"""The history file: transactions, the lock of the data folder, versions, and what purging leaves."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local_host.durable import events
from local_host.durable.history import (
    DataFolderInUse,
    DataFolderLock,
    History,
    PendingActivity,
    PendingTimer,
    TaskKey,
    WrongVersion,
)
from local_host.durable.instance import InstanceStatus, Parent, RuntimeStatus

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "history.db")
    yield history
    history.close()


def instance(instance_id="b1", **changes):
    values = {
        "instance_id": instance_id, "execution_id": "e1", "name": "orch", "runtime_status": RuntimeStatus.PENDING,
        "input_json": '{"n": 1}', "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return InstanceStatus(**(values | changes))


def key(task_id, execution_id="e1"):
    return TaskKey(instance_id="b1", execution_id=execution_id, task_id=task_id)


async def test_instance_comes_back_whole(history):
    """What is put comes back equal, parent included."""
    kept = instance(
        output_json="1", custom_status_json='"x"', parent=Parent(instance_id="p", execution_id="pe", task_id=3)
    )
    await history.write(lambda records: records.put_instance(kept))

    assert kept == await history.write(lambda records: records.instance("b1"))


async def test_unknown_instance_is_none(history):
    """There is no instance nobody put."""
    assert await history.write(lambda records: records.instance("b1")) is None


async def fill(history):
    def put(records):
        records.put_instance(instance("a:1", created_at=NOW))
        records.put_instance(instance("a:2", created_at=NOW + timedelta(hours=1), runtime_status=RuntimeStatus.FAILED))
        records.put_instance(instance("b%", created_at=NOW + timedelta(hours=2)))

    await history.write(put)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["a:1", "a:2", "b%"]),
        ({"prefix": "a:"}, ["a:1", "a:2"]),
        ({"prefix": "b%"}, ["b%"]),
        ({"prefix": "%"}, []),
        ({"statuses": ["Failed"]}, ["a:2"]),
        ({"statuses": []}, []),
        ({"statuses": ["Failed", "Pending"]}, ["a:1", "a:2", "b%"]),
        ({"created_from": NOW + timedelta(hours=1)}, ["a:2", "b%"]),
        ({"created_to": NOW + timedelta(hours=1)}, ["a:1", "a:2"]),
        ({"prefix": "a:", "created_from": NOW + timedelta(minutes=1)}, ["a:2"]),
    ],
)
async def test_filters_combine(history, filters, expected):
    """Instances are listed by prefix, status and time of creation, oldest first."""
    await fill(history)

    found = await history.write(lambda records: records.instances(**filters))

    assert expected == [one.instance_id for one in found]


async def test_failed_work_leaves_nothing(history):
    """What a transaction did before it raised is undone."""

    def fail(records):
        records.put_instance(instance())
        raise KeyError("b1")

    with pytest.raises(KeyError):
        await history.write(fail)

    assert await history.write(lambda records: records.instance("b1")) is None


async def test_messages_of_an_earlier_generation_are_dropped(history):
    """The inbox gives out what is for this generation or for any, in order, once."""
    early, mine, anyones = (events.event_raised(NOW, name=name, input_json="1") for name in ("early", "mine", "any"))

    def talk(records):
        records.post("b1", "e0", early)
        records.post("b1", "e1", mine)
        records.post("b1", None, anyones)
        return records.take_messages("b1", "e1"), records.take_messages("b1", "e0")

    assert ([mine, anyones], []) == await history.write(talk)


async def test_task_is_struck_off_once(history):
    """Only the first outcome of a task counts."""
    activity = PendingActivity(key=key(0), name="a", input_json="1")

    def work(records):
        records.add_activity(activity)
        return records.pending_activities(), records.remove_task(key(0)), records.remove_task(key(0))

    assert ([activity], True, False) == await history.write(work)


async def test_timers_are_kept_apart_from_activities(history):
    """Removing an instance's timers leaves its activities."""
    activity = PendingActivity(key=key(0), name="a", input_json="1")
    timer = PendingTimer(key=key(1), fire_at=NOW)

    def work(records):
        records.add_activity(activity)
        records.add_timer(timer)
        before = records.pending_timers()
        records.remove_timers("b1")
        return before, records.pending_timers(), records.pending_activities()

    assert ([timer], [], [activity]) == await history.write(work)


async def test_purge_leaves_nothing(history, tmp_path):
    """After a purge no table knows the instance; its neighbour is untouched."""

    def work(records):
        for name in ("b1", "b2"):
            records.put_instance(instance(name))
            records.append_events(name, 0, [events.orchestrator_started(NOW)])
            records.post(name, None, events.orchestrator_started(NOW))
            records.add_activity(
                PendingActivity(key=TaskKey(instance_id=name, execution_id="e", task_id=0), name="a", input_json="1")
            )
        records.purge("b1")

    await history.write(work)

    connection = sqlite3.connect(tmp_path / "history.db")
    left = [
        connection.execute(f"SELECT instance_id FROM {table}").fetchall()
        for table in ("instances", "history", "inbox", "outbox")
    ]
    connection.close()
    assert [[("b2",)]] * 4 == left


def test_unknown_version_is_refused(tmp_path):
    """A file of another version is refused with both versions in the text, and left as it was."""
    path = tmp_path / "history.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(WrongVersion, match=r"has version 99; this local host reads version 1"):
        History(path)


async def test_same_version_opens_again(tmp_path):
    """A file this version wrote opens again with what is in it."""
    first = History(tmp_path / "history.db")
    await first.write(lambda records: records.put_instance(instance()))
    first.close()
    second = History(tmp_path / "history.db")

    found = await second.write(lambda records: records.instance("b1"))
    second.close()

    assert instance() == found


HOLD = """
import sys, time
from pathlib import Path
from local_host.durable.history import DataFolderLock
lock = DataFolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_process_is_refused(holder, tmp_path):
    """A data folder that another process holds is refused, naming that process and the way out."""
    with pytest.raises(DataFolderInUse, match=rf"in use by process {holder.pid}\. Stop that one, .*--data"):
        DataFolderLock(tmp_path)


def test_lock_ends_with_its_holder(holder, tmp_path):
    """A killed holder leaves the folder free."""
    holder.kill()
    holder.wait()

    DataFolderLock(tmp_path).release()


def test_lock_creates_the_folder(tmp_path):
    """The first start makes the data folder."""
    DataFolderLock(tmp_path / "new" / "data").release()

    assert (tmp_path / "new" / "data").is_dir()
