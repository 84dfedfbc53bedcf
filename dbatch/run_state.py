"""What a run has done so far, in a file that outlives it: SQLite, of which each change is there wholly or not at all.

A part is what one batch is made of. It is noted before its batch is created, and every row belongs to at most one part
that is not collected: so nothing is sent twice, however the program ends. One run at a time holds the file.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbatch.exits import Failure

_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS parts (
    number INTEGER PRIMARY KEY, file_id TEXT, batch_id TEXT, noted_at REAL NOT NULL,
    collected INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS rows (
    number INTEGER PRIMARY KEY, part INTEGER NOT NULL, answer TEXT, error TEXT);
CREATE INDEX IF NOT EXISTS rows_of_part ON rows (part);
"""


@dataclass(frozen=True, slots=True)
class Part:
    number: int
    file_id: str | None
    batch_id: str | None
    noted_at: float


class RunState:
    """Opened for a run that is told by `about`. Raises Failure if the file is of another run, or in use."""

    def __init__(self, path: Path, about: Mapping[str, Any], *, fresh: bool) -> None:
        if fresh:
            path.unlink(missing_ok=True)
        self._path = path
        try:
            path.open("ab").close()  # An OSError says more than SQLite would.
            self._database = sqlite3.connect(path, timeout=1.0, isolation_level=None)
        except OSError as error:
            raise Failure(f"{path} cannot be written: {error.strerror}.", "Is its folder there, and yours?") from None
        try:
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.executescript(f"BEGIN EXCLUSIVE;{_SCHEMA}COMMIT;")
        except sqlite3.OperationalError as error:
            self._database.close()
            advice = "Is another `dbatch run` at it? Wait for that, or give another --out."
            raise Failure(f"{path} cannot be used: {error}.", advice) from None
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise Failure(f"{path} is no state of a run: {error}.", "Give another --state.") from None
        self.id = self._recognize({name: json.dumps(value) for name, value in about.items()})

    def _recognize(self, about: Mapping[str, str]) -> str:
        known = dict(self._database.execute("SELECT name, value FROM about"))
        if not known:
            known = {**about, "id": uuid.uuid4().hex}
            with self._whole():
                self._database.executemany("INSERT INTO about VALUES (?, ?)", known.items())
        other = [name for name, value in about.items() if known.get(name) != value]
        if other:
            self.close()
            advice = "Give another --out, or begin anew with --fresh: what was sent before is paid for again."
            raise Failure(f"{self._path} is of a run with another {' and another '.join(other)}.", advice)
        return str(known["id"])

    def close(self) -> None:
        self._database.close()

    def _whole(self) -> sqlite3.Connection:
        self._database.execute("BEGIN")
        return self._database  # As a context: commits, or rolls back what did not end.

    def is_known(self, number: int) -> bool:
        """Whether the row is in a part, answered or not."""
        return self._database.execute("SELECT 1 FROM rows WHERE number = ?", (number,)).fetchone() is not None

    def begin(self) -> int:
        """Of a run that had ended, what failed is to be sent again. How many rows that are."""
        with self._whole():
            if not self._database.execute("DELETE FROM about WHERE name = 'ended'").rowcount:
                return 0
            return self._database.execute("DELETE FROM rows WHERE answer IS NULL").rowcount

    def end(self) -> None:
        """Every row was sent, and every part is collected."""
        self._database.execute("INSERT OR REPLACE INTO about VALUES ('ended', 'true')")

    def note_part(self, rows: Iterable[int], file_id: str, now: float) -> Part:
        """Before its batch is created; `now` is in unix seconds."""
        with self._whole():
            (last,) = self._database.execute("SELECT COALESCE(MAX(number), 0) FROM parts").fetchone()
            self._database.execute(
                "INSERT INTO parts (number, file_id, noted_at) VALUES (?, ?, ?)", (last + 1, file_id, now)
            )
            self._database.executemany(
                "INSERT INTO rows (number, part) VALUES (?, ?)", ((row, last + 1) for row in rows)
            )
        return Part(last + 1, file_id, None, now)

    def note_batch(self, part: Part, batch_id: str) -> Part:
        self._database.execute("UPDATE parts SET batch_id = ? WHERE number = ?", (batch_id, part.number))
        return Part(part.number, part.file_id, batch_id, part.noted_at)

    def open_parts(self) -> list[Part]:
        """Those whose answers are not here yet, in order."""
        query = "SELECT number, file_id, batch_id, noted_at FROM parts WHERE NOT collected ORDER BY number"
        return [Part(*found) for found in self._database.execute(query)]

    def collect(self, part: Part, results: Iterable[tuple[int, str | None, str | None]], otherwise: str) -> None:
        """Row, answer, error; `otherwise` is the error of rows that have no result. All of it or nothing."""
        update = "UPDATE rows SET answer = ?, error = ? WHERE number = ? AND part = ?"
        with self._whole():
            self._database.executemany(update, ((answer, error, row, part.number) for row, answer, error in results))
            missing = "UPDATE rows SET error = ? WHERE part = ? AND answer IS NULL AND error IS NULL"
            self._database.execute(missing, (otherwise, part.number))
            self._database.execute("UPDATE parts SET collected = 1 WHERE number = ?", (part.number,))

    def answers(self) -> Iterator[tuple[int, str | None, str | None]]:
        """Row, answer, error, in order."""
        yield from self._database.execute("SELECT number, answer, error FROM rows ORDER BY number")

    def counts(self) -> tuple[int, int, int]:
        """Rows that are answered, that failed, all that are in a part."""
        query = "SELECT COUNT(answer), COUNT(error), COUNT(*) FROM rows"
        answered, failed, total = self._database.execute(query).fetchone()
        return answered, failed, total

    def failures(self, most: int) -> list[tuple[str, int, int]]:
        """Error, how often, its first row; the commonest first."""
        query = (
            "SELECT error, COUNT(*), MIN(number) FROM rows WHERE answer IS NULL GROUP BY error ORDER BY 2 DESC LIMIT ?"
        )
        return self._database.execute(query, (most,)).fetchall()
