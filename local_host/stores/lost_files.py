"""Files of bytes that no row names: moved to `lost+found`, a folder for each day, and kept there for a month.

Rule: nothing is deleted because a database does not know it. The database may be the one that is wrong: lost and made
anew, restored from an older copy, or short of its last commits. A file that a row names again is moved back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

KEPT_SECONDS = 30 * 86_400.0


class LostFiles:
    """The files of the folder `blobs` that were set aside. Methods block; other processes may do the same at once."""

    def __init__(self, blobs: Path) -> None:
        self._blobs = blobs
        self.folder = blobs.parent / "lost+found"

    def set_aside(self, files: Collection[str], now: float) -> None:
        """`now` is in unix seconds."""
        if not files:
            return
        day = self.folder / datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
        for folder in (self.folder, day):
            folder.mkdir(mode=0o700, exist_ok=True)
        for file in files:
            with suppress(FileNotFoundError):
                (self._blobs / file).rename(day / file)

    def bring_back(self, named: Collection[str]) -> int:
        """Move back what `named` holds; returns how many files."""
        found = [path for day in self._days() for path in day.iterdir() if path.name in named]
        for path in found:
            with suppress(FileNotFoundError):
                path.rename(self._blobs / path.name)
        return len(found)

    def forget(self, now: float) -> None:
        """Delete what was set aside a month ago."""
        for day in self._days():
            with suppress(ValueError):  # Not a folder of ours.
                set_aside_at = datetime.strptime(day.name, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
                if set_aside_at < now - KEPT_SECONDS - 86_400.0:
                    shutil.rmtree(day, ignore_errors=True)

    def __bool__(self) -> bool:
        """Whether anything is set aside."""
        return any(True for _ in self._days())

    def _days(self) -> Iterator[Path]:
        with suppress(FileNotFoundError):
            yield from [Path(entry.path) for entry in os.scandir(self.folder) if entry.is_dir()]
