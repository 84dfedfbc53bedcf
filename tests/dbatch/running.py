"""Runs the program as a person or a script does: as a process, with a terminal or without."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from bench.programs import KEY
from tests.architecture.product import ROOT

PROGRAM = (sys.executable, "-m", "dbatch")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def environment(url: str, **changes: str) -> dict[str, str]:
    """Nothing of the machine's own settings for OpenAI, colours or terminals."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    given = {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": KEY, "PYTHONPATH": str(ROOT), "TZ": "UTC", **changes}
    return {**kept, **{name: value for name, value in given.items() if value}}


def dbatch(
    url: str, *arguments: str | Path, exits: int = 0, folder: Path | None = None, **changes: str
) -> tuple[str, str]:
    """What it wrote to standard output and beside it."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env=environment(url, **changes),
    )
    assert done.returncode == exits, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr


def on_terminal(url: str, *arguments: str, typed: bytes = b"", **changes: str) -> tuple[int, str]:
    """Its exit code and all that a terminal of 100 columns was sent, escapes included."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdin=its, stdout=its, stderr=its, env=environment(url, **{"TERM": "xterm", **changes})
    )
    os.close(its)
    os.write(ours, typed)
    shown = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not data:
            break
        shown += data
    os.close(ours)
    return process.wait(120), shown.decode()


def plain(shown: str) -> str:
    """Without what moves the cursor or colours."""
    return _ESCAPES.sub("", shown)
