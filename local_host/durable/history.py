"""Everything an orchestration has to remember, in one SQLite file: instances, history, inbox and outbox.

Rule: whatever changes together is written in one transaction of `History.write`, so a kill between any two lines of
the engine loses nothing. The inbox holds messages an instance has not seen; the outbox holds what was promised to it:
activities until their result is in the inbox, timers until they have fired. Must not know what a message means.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from local_host.durable.events import Event
from local_host.durable.instance import InstanceStatus, Parent, RuntimeStatus
from local_host.stores.private_files import close_data_folder
from local_host.stores.store_database import StoreDatabase

T = TypeVar("T")

SCHEMA_VERSION = 1

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS instances (
    instance_id TEXT PRIMARY KEY, execution_id TEXT NOT NULL, name TEXT NOT NULL, runtime_status TEXT NOT NULL,
    input_json TEXT, output_json TEXT, custom_status_json TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    parent_instance_id TEXT, parent_execution_id TEXT, parent_task_id INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
    instance_id TEXT NOT NULL, position INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (instance_id, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT NOT NULL, execution_id TEXT, event TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS inbox_by_instance ON inbox (instance_id, position);
CREATE TABLE IF NOT EXISTS outbox (
    instance_id TEXT NOT NULL, execution_id TEXT NOT NULL, task_id INTEGER NOT NULL,
    name TEXT, input_json TEXT, fire_at TEXT, PRIMARY KEY (instance_id, execution_id, task_id)
) WITHOUT ROWID;
PRAGMA user_version = {SCHEMA_VERSION};
"""


class WrongVersion(Exception):
    """The file was written by another version of the local host."""


class DataFolderInUse(Exception):
    """Another process holds the data folder."""


class DataFolderLock:
    """Holds a data folder for as long as this process lives, however it ends: the lock is the operating system's."""

    def __init__(self, folder: Path) -> None:
        """Take the lock, creating the folder if needed. Raises DataFolderInUse."""
        close_data_folder(folder)
        self._file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 32, 0).decode().strip() or "unknown"
            os.close(self._file)
            raise DataFolderInUse(
                f"The data folder {folder} is in use by process {holder}. "
                "Stop that one, or choose another folder with --data."
            ) from error
        os.truncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        os.close(self._file)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskKey:
    """One task of one execution of one instance."""

    instance_id: str
    execution_id: str
    task_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingActivity:
    """An activity that was asked for and whose result is not in the inbox yet."""

    key: TaskKey
    name: str
    input_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingTimer:
    """A timer that has not fired yet."""

    key: TaskKey
    fire_at: datetime


class History:
    """The door to the file. `write` runs work on the one thread that owns it, grouped into as few fsyncs as it can."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises WrongVersion, or Unavailable if the disk fails."""
        _check_version(path)
        self._database = StoreDatabase(path, _SCHEMA)

    async def write(self, work: Callable[[Records], T]) -> T:
        """Run `work` as one transaction; return once it is on the disk. What it raises undoes it and comes back."""
        return await self._database.write(lambda connection: work(Records(connection)))

    def close(self) -> None:
        """Finish what was begun and let go of the file."""
        self._database.close()


def _check_version(path: Path) -> None:
    if not path.exists():
        return
    connection = sqlite3.connect(path)
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
    finally:
        connection.close()
    if found not in (0, SCHEMA_VERSION):
        raise WrongVersion(
            f"{path} has version {found}; this local host reads version {SCHEMA_VERSION}. "
            "Use the local host that wrote it, or move the data folder away to begin with an empty one."
        )


_INSTANCE_COLUMNS = (
    "instance_id, execution_id, name, runtime_status, input_json, output_json, custom_status_json, created_at, "
    "updated_at, parent_instance_id, parent_execution_id, parent_task_id"
)


class Records:
    """The tables, within one transaction. Made by `History.write`; of no use after it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection.execute
        self._many = connection.executemany

    def instance(self, instance_id: str) -> InstanceStatus | None:
        rows = self._sql(f"SELECT {_INSTANCE_COLUMNS} FROM instances WHERE instance_id = ?", (instance_id,))
        return next(map(_instance, rows), None)

    def instances(
        self,
        *,
        prefix: str | None = None,
        statuses: Collection[str] | None = None,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
    ) -> list[InstanceStatus]:
        """Those that match everything given, oldest first; the bounds of time are inclusive."""
        wanted = json.dumps(None if statuses is None else sorted(statuses))
        rows = self._sql(
            f"SELECT {_INSTANCE_COLUMNS} FROM instances WHERE substr(instance_id, 1, length(:prefix)) = :prefix "
            "AND (:statuses = 'null' OR runtime_status IN (SELECT value FROM json_each(:statuses))) "
            "AND created_at BETWEEN :from AND :to ORDER BY created_at, instance_id",
            {
                "prefix": prefix or "",
                "statuses": wanted,
                "from": _text(created_from or datetime.min.replace(tzinfo=UTC)),
                "to": _text(created_to or datetime.max.replace(tzinfo=UTC)),
            },
        )
        return [_instance(row) for row in rows]

    def put_instance(self, instance: InstanceStatus) -> None:
        parent = instance.parent
        self._sql(
            f"INSERT OR REPLACE INTO instances ({_INSTANCE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                instance.instance_id,
                instance.execution_id,
                instance.name,
                instance.runtime_status,
                instance.input_json,
                instance.output_json,
                instance.custom_status_json,
                _text(instance.created_at),
                _text(instance.updated_at),
                *((parent.instance_id, parent.execution_id, parent.task_id) if parent else (None, None, None)),
            ),
        )

    def purge(self, instance_id: str) -> None:
        """Forget everything about the instance."""
        for table in ("instances", "history", "inbox", "outbox"):
            self._sql(f"DELETE FROM {table} WHERE instance_id = ?", (instance_id,))

    def events(self, instance_id: str) -> list[Event]:
        rows = self._sql("SELECT event FROM history WHERE instance_id = ? ORDER BY position", (instance_id,))
        return [json.loads(event) for (event,) in rows]

    def append_events(self, instance_id: str, position: int, events: Iterable[Event]) -> None:
        """Add events to the history, which has `position` events already."""
        rows = [(instance_id, position + index, json.dumps(event)) for index, event in enumerate(events)]
        self._many("INSERT INTO history (instance_id, position, event) VALUES (?, ?, ?)", rows)

    def clear_events(self, instance_id: str) -> None:
        self._sql("DELETE FROM history WHERE instance_id = ?", (instance_id,))

    def post(self, instance_id: str, execution_id: str | None, event: Event) -> None:
        """Put a message into an instance's inbox; one without `execution_id` is for whatever generation reads it."""
        message = (instance_id, execution_id, json.dumps(event))
        self._sql("INSERT INTO inbox (instance_id, execution_id, event) VALUES (?, ?, ?)", message)

    def take_messages(self, instance_id: str, execution_id: str) -> list[Event]:
        """Empty the inbox; messages for an earlier generation are dropped."""
        rows = self._sql(
            "SELECT event FROM inbox WHERE instance_id = ? AND coalesce(execution_id, ?) = ? ORDER BY position",
            (instance_id, execution_id, execution_id),
        ).fetchall()
        self._sql("DELETE FROM inbox WHERE instance_id = ?", (instance_id,))
        return [json.loads(event) for (event,) in rows]

    def waiting_instances(self) -> list[str]:
        """Instances with a message in the inbox."""
        return [instance_id for (instance_id,) in self._sql("SELECT DISTINCT instance_id FROM inbox")]

    def add_activity(self, activity: PendingActivity) -> None:
        self._add_to_outbox(activity.key, activity.name, activity.input_json, None)

    def add_timer(self, timer: PendingTimer) -> None:
        self._add_to_outbox(timer.key, None, None, _text(timer.fire_at))

    def _add_to_outbox(self, key: TaskKey, name: str | None, input_json: str | None, fire_at: str | None) -> None:
        self._sql(
            "INSERT INTO outbox (instance_id, execution_id, task_id, name, input_json, fire_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (key.instance_id, key.execution_id, key.task_id, name, input_json, fire_at),
        )

    def remove_task(self, key: TaskKey) -> bool:
        """Strike a task off the outbox; False if it is not there any more, so its outcome counts no longer."""
        where = (key.instance_id, key.execution_id, key.task_id)
        sql = "DELETE FROM outbox WHERE instance_id = ? AND execution_id = ? AND task_id = ?"
        return self._sql(sql, where).rowcount > 0

    def remove_timers(self, instance_id: str) -> None:
        self._sql("DELETE FROM outbox WHERE instance_id = ? AND fire_at IS NOT NULL", (instance_id,))

    def pending_activities(self) -> list[PendingActivity]:
        rows = self._sql(
            "SELECT instance_id, execution_id, task_id, name, input_json FROM outbox WHERE fire_at IS NULL"
        )
        return [PendingActivity(key=_key(row), name=row[3], input_json=row[4]) for row in rows]

    def pending_timers(self) -> list[PendingTimer]:
        rows = self._sql("SELECT instance_id, execution_id, task_id, fire_at FROM outbox WHERE fire_at IS NOT NULL")
        return [PendingTimer(key=_key(row), fire_at=datetime.fromisoformat(row[3])) for row in rows]


def _text(at: datetime) -> str:
    """Always the same width and zone, so that text sorts as time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _key(row: Any) -> TaskKey:
    return TaskKey(instance_id=row[0], execution_id=row[1], task_id=row[2])


def _instance(row: Any) -> InstanceStatus:
    return InstanceStatus(
        instance_id=row[0],
        execution_id=row[1],
        name=row[2],
        runtime_status=RuntimeStatus(row[3]),
        input_json=row[4],
        output_json=row[5],
        custom_status_json=row[6],
        created_at=datetime.fromisoformat(row[7]),
        updated_at=datetime.fromisoformat(row[8]),
        parent=None if row[9] is None else Parent(instance_id=row[9], execution_id=row[10], task_id=row[11]),
    )
