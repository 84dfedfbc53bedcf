"""The databases of a data folder, looked at before anything opens them: a damaged one ends the start with a sentence.

Must be called by the one process that holds the folder, while no other has it open.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from local_host.stores.wal_check import lost_commits

CHECK_SECONDS = 2.0  # A check reads the whole file; of a large one, as much as this takes.
_ADVICE = {
    "stores.db": "It holds the records of all files and batches; the bytes in blobs/ are left alone. Put a copy of it "
    "back, if there is one. To begin with nothing, move the whole data folder away.",
    "history.db": "It holds the runs under way, and can be made anew: move history.db, history.db-wal and "
    "history.db-shm away and start again. Every unfinished batch then goes on from its records.",
}


class DatabaseDamaged(Exception):
    """What is damaged, and what to do."""


def check_databases(data: Path) -> None:
    """Raises DatabaseDamaged."""
    for name, advice in _ADVICE.items():
        path = data / name
        if lost := lost_commits(path.with_name(f"{name}-wal")):
            raise DatabaseDamaged(
                f"{path}-wal is damaged: at least {lost} changes in it cannot be read. {advice} To go on without "
                f"these changes, move {name}-wal away."
            )
        if path.exists() and (problem := _problem(path)):
            raise DatabaseDamaged(f"{path} is damaged ({problem}). {advice}")


def _problem(path: Path) -> str | None:
    """What SQLite finds wrong with the file, in its words."""
    give_up = time.monotonic() + CHECK_SECONDS
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.set_progress_handler(lambda: int(time.monotonic() > give_up), 100_000)
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:  # Interrupted, full or locked: no word about damage.
        return None
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else str(found).splitlines()[-1]
