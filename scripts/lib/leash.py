"""Runs a command that must not outlive whoever started it: `leash.py COMMAND …`, standard input held by the starter.

The command ends when standard input closes, which the system does for a starter that was killed, too, or when the leash
is told to end (SIGTERM, SIGHUP). It runs in a session of its own, so that Ctrl-C reaches only the starter, which then
ends things in its own order.
`start` and `stop` are the starter's side.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 20.0


def start(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """The leash of `command`, whose output goes to `log`, for its owner's eyes only. Hand the result to `stop`."""
    log.unlink(missing_ok=True)  # An older program may still write to the old one.
    with open(log, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as output:
        return subprocess.Popen(
            [sys.executable, __file__, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def stop(leash: subprocess.Popen[bytes]) -> None:
    """End the command: asked first, forced after `GRACE_SECONDS`."""
    if leash.stdin:
        leash.stdin.close()
    leash.wait()


def keep_through_exec(leash: subprocess.Popen[bytes]) -> None:
    """Let the program that this process becomes hold the leash."""
    if leash.stdin:
        os.set_inheritable(leash.stdin.fileno(), True)


def main(command: Sequence[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_hold, args=(child,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the starter's to answer.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: threading.Thread(target=_end, args=(child,), daemon=True).start())
    return child.wait()


def _hold(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
