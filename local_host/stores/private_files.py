"""Files and folders that only their owner may read: prompts, answers and keys are in them.

Each is made so, whatever the umask; folders that an older version left open are closed at the next start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OTHERS = 0o077
_OURS = re.compile(
    r"lock|(bootstrap-key|key-pepper)(\.new)?|(stores|history)\.(lock|db(-wal|-shm|-journal)?)|blobs|timers|lost\+found|azurite|func\.log"
)


def private_open(path: Path) -> IO[bytes]:
    """A new file, for writing. Raises FileExistsError."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb")


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """The text of the file, stripped; what `make` makes where there is none, kept from then on."""
    if path.exists() and (kept := path.read_text().strip()):
        return kept
    secret = make()
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with private_open(fresh) as file:
        file.write(f"{secret}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return secret


def make_private_file(path: Path) -> None:
    """Make the file if it is missing, empty; close it to others if it is there."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        with suppress(PermissionError):
            if os.fstat(descriptor).st_mode & _OTHERS:
                os.fchmod(descriptor, FILE_MODE)
    finally:
        os.close(descriptor)


def make_private_folder(folder: Path) -> None:
    """Make the folder if it is missing."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def close_data_folder(data: Path) -> None:
    """Make the data folder if it is missing; close one that is open to others, with all that is ours in it.

    A folder in which there is anything else keeps its mode: it is not the service's alone. So does what belongs to
    another user.
    """
    make_private_folder(data)
    entries = list(data.iterdir())
    ours = [entry for entry in entries if _OURS.fullmatch(entry.name)]
    if data.stat().st_mode & _OTHERS and len(ours) == len(entries):
        _close(data)
    for entry in ours:
        with suppress(FileNotFoundError):  # A log of a database that somebody has open comes and goes.
            if entry.stat(follow_symlinks=False).st_mode & _OTHERS:
                _close_all(entry)


def _close_all(entry: Path) -> None:
    """The entry and, if it is a folder, what is in it."""
    if entry.is_dir() and not entry.is_symlink():
        for inner in entry.iterdir():
            _close_all(inner)
    _close(entry)


def _close(path: Path) -> None:
    with suppress(FileNotFoundError, PermissionError):
        if not path.is_symlink():
            path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
