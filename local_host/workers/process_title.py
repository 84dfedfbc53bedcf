"""What `ps` shows as this process's command line, where the kernel lets a process write it (Linux).

The kernel reads it from the memory of the process, where the arguments lie. Elsewhere the command line stays as it is.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_ARG_START, _ARG_END = 45, 46  # of /proc/PID/stat, counted from the field after the name in parentheses; see proc(5)
_original: list[bytes] = []


def become(title: str) -> None:
    """Show `title` in place of the command line, cut to its length, until `restore`."""
    with suppress(OSError, IndexError):
        if not _original:
            _original.append(Path("/proc/self/cmdline").read_bytes())
        length = len(_original[0])
        _write(title.encode()[: length - 1].ljust(length, b"\0"))


def restore() -> None:
    """Show the command line again; at once where nothing else is shown."""
    if _original:
        with suppress(OSError):
            _write(_original.pop())


def _write(arguments: bytes) -> None:
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
    with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
        memory.seek(start)
        memory.write(arguments[: end - start])
