"""The SQLite file behind the local stores: one writer with group commit, a few readers, any number of processes.

Rule: every change goes through `write`, which returns when the change is on the disk (WAL, synchronous=FULL). Changes
that wait at the same moment share one transaction and one fsync, each behind a savepoint of its own, so that one that
fails does not disturb its neighbours. Must not know what is stored.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from local_host.stores.private_files import make_private_file
from shared.domain.errors import StorageFull, Unavailable

T = TypeVar("T")

READERS = 8
BUSY_SECONDS = 30.0
MOST_IN_ONE_COMMIT = 256
IDLE_SECONDS = 2.0

_FULL = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EFBIG: "a file may not grow any more; raise the limit of file sizes (ulimit -f)",
}
_ADVICE = {
    errno.EROFS: "the folder is read-only; make it writable",
    errno.EACCES: "the folder is not accessible; make it readable and writable for this user",
    errno.EPERM: "the folder is not accessible; make it readable and writable for this user",
}


def unavailable(error: OSError | sqlite3.Error) -> Unavailable:
    """What a failing disk or database means to a caller, with what to do about it."""
    if (full := _is_full(error)) is not None:
        return StorageFull(f"The data folder takes no more bytes: {full}.")
    advice = _ADVICE.get(error.errno or 0) if isinstance(error, OSError) else None
    return Unavailable(f"The data folder cannot be used: {advice or error}.")


def _is_full(error: OSError | sqlite3.Error) -> str | None:
    """What to do about it; None if the error is another one."""
    if isinstance(error, OSError):
        return _FULL.get(error.errno or 0)
    is_full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return _FULL[errno.ENOSPC] if is_full else None


@dataclass(slots=True)
class _Change(Generic[T]):
    """One waiting call of `write` and where its outcome goes."""

    work: Callable[[sqlite3.Connection], T]
    future: Future[T]
    result: T | None = None
    error: Exception | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        """Run between savepoints. Raises sqlite3.Error, which ends the whole transaction."""
        connection.execute("SAVEPOINT change")
        try:
            self.result = self.work(connection)
        except sqlite3.Error:
            raise
        except Exception as error:  # The caller's own: it gets it back, its neighbours go on.
            connection.execute("ROLLBACK TO change")
            self.error = error
        connection.execute("RELEASE change")

    def settle(self) -> None:
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]  # T, once run


class StoreDatabase:
    """One process's door to the database at `path`; close it with `close`."""

    def __init__(self, path: Path, schema: str, *, idle_seconds: float = IDLE_SECONDS) -> None:
        """Open or create the database; its log is emptied `idle_seconds` after a change. Raises Unavailable."""
        self._path = path
        self._idle_seconds = idle_seconds
        self._changes: queue.SimpleQueue[_Change[object] | None] = queue.SimpleQueue()
        self._connections: list[sqlite3.Connection] = []
        self._local = threading.local()
        try:
            for private in (path, lock := path.with_suffix(".lock")):
                make_private_file(private)  # The WAL takes after the database.
            self._queue = lock.open("ab")
        except OSError as error:
            raise unavailable(error) from error
        try:
            with self._turn():
                self._writing = self._connect()
                self._writing.executescript(schema)
        except (OSError, sqlite3.Error) as error:
            self._let_go()
            raise unavailable(error) from error
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="store")
        self._writer = threading.Thread(target=self._write_forever, name="store-writer", daemon=True)
        self._writer.start()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._connections.append(connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def reading(self) -> sqlite3.Connection:
        """This thread's connection; for reads only."""
        if not hasattr(self._local, "connection"):
            self._local.connection = self._connect()
        return self._local.connection  # type: ignore[no-any-return]

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run blocking `work` off the event loop. Raises Unavailable where disk or database fail."""
        return await asyncio.wrap_future(self._pool.submit(_translated, [work]))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on a reader's connection; it sees everything that was written before the call."""
        return await self.in_thread(lambda: work(self.reading()))

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction and return its result once committed; what it raises undoes it alone."""
        return await asyncio.wrap_future(self.begin(work))

    def begin(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """`write` for a thread: hands the change to the writer and returns at once."""
        if not self._writer.is_alive():
            raise RuntimeError("The stores are closed.")
        future: Future[T] = Future()
        self._changes.put(_Change(work, future))  # type: ignore[arg-type]  # T is the caller's
        return future

    def close(self) -> None:
        """Finish what was begun and let go of the file. Blocks for as long as that takes."""
        self._pool.shutdown()
        self._changes.put(None)
        self._writer.join()
        self._let_go()

    def _let_go(self) -> None:
        for connection in self._connections:
            connection.close()
        self._queue.close()

    def _write_forever(self) -> None:
        is_new = False  # Whether something is in the WAL only.
        while True:
            try:
                change = self._changes.get(timeout=self._idle_seconds if is_new else None)
            except queue.Empty:
                self._checkpoint()
                is_new = False
                continue
            if change is None:
                return
            batch = [change, *self._waiting()]
            self._commit([one for one in batch if one.future.set_running_or_notify_cancel()])
            is_new = True

    def _checkpoint(self) -> None:
        """Copy the WAL into the database: there each page stands for itself, while one bad bit ends a WAL.

        Waits for nobody; what other connections still need stays. A disk that fails is told by the next change.
        """
        with suppress(OSError, sqlite3.Error), self._turn():
            self._writing.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _waiting(self) -> list[_Change[object]]:
        waiting: list[_Change[object]] = []
        while len(waiting) < MOST_IN_ONE_COMMIT and not self._changes.empty():
            change = self._changes.get()
            if change is None:
                self._changes.put(None)
                break
            waiting.append(change)
        return waiting

    def _commit(self, changes: list[_Change[object]]) -> None:
        try:
            with self._turn():
                self._transact(changes)
        except (OSError, sqlite3.Error) as error:
            for change in changes:
                change.error = unavailable(error)
        for change in changes:
            change.settle()

    def _transact(self, changes: list[_Change[object]]) -> None:
        self._writing.execute("BEGIN IMMEDIATE")
        try:
            for change in changes:
                change.run(self._writing)
            self._writing.execute("COMMIT")
        finally:
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """This process's turn to write. SQLite alone lets processes poll for it, some of them for seconds."""
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)


def _translated(work: list[Callable[[], T]]) -> T:
    """Do the one thing in the list, and let go of it: a thread of the pool keeps its arguments longer than that."""
    try:
        return work.pop()()
    except (OSError, sqlite3.Error) as error:
        raise unavailable(error) from error
