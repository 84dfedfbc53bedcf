"""Who works on a lane: a name for one call of an activity, from which others can tell whether that call has ended.

A call of this process has ended when it is not among those `holding`; one of another process of this machine when the
process is gone. Of another machine nothing is known: its claims run out. A wrong guess (two machines of one name) costs
some requests sent twice, never a line: rows and journals are safe against two activities at once.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_held: set[str] = set()  # of this process


@contextmanager
def holding() -> Iterator[str]:
    """A new name, for as long as the block takes."""
    pid = os.getpid()
    holder = "/".join((socket.gethostname(), str(pid), _begin_of(pid), os.urandom(4).hex()))
    _held.add(holder)
    try:
        yield holder
    finally:
        _held.discard(holder)


def has_ended(holder: str) -> bool:
    """Whether the call is known to have ended; the empty name is nobody's."""
    if not holder:
        return True
    machine, pid, begin, _ = holder.rsplit("/", 3)
    if machine != socket.gethostname() or not begin:
        return False
    if int(pid) == os.getpid() and begin == _begin_of(os.getpid()):
        return holder not in _held
    return _begin_of(int(pid)) != begin


def _begin_of(pid: int) -> str:
    """When the process began, as the kernel tells it: numbers of processes are used again. Empty if it has ended.

    Empty as well where the kernel does not tell.
    """
    try:
        state, *others = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return ""
    return "" if state in "ZX" else others[18]
