"""Ports for programs that have to be told one, and cannot choose it themselves.

A port that was free a moment ago is anybody's: the system gives such ports to every connection, and another start
beside this one asks for one as well. So they come from below the range that the system gives away, and a locked file
keeps each for this process.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

HOST = "127.0.0.1"
RANGE = range(20_000, 30_000)
_held: list[int] = []  # Descriptors of the files; the system closes them with this process.


def take_port(among: Sequence[int] = RANGE) -> int:
    """One that nobody listens on, and that no other process gets from here while this one lives."""
    folder = Path(tempfile.gettempdir(), f"durable-batch-ports-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    for port in random.sample(among, len(among)):
        if _is_ours(folder / str(port)) and _is_free(port):
            return port
    raise SystemExit(f"No port from {among[0]} to {among[-1]} is free on this machine.")


def _is_ours(file: Path) -> bool:
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    _held.append(descriptor)
    return True


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True
