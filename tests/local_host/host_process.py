"""A local host as a process of its own, for tests."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

SAMPLE = "tests.local_host.sample_app.function_app"
NEVER = "0 0 0 1 1 *"
ROOT = Path(__file__).resolve().parents[2]


class HostProcess:
    """`python -m local_host --port 0` on the sample app. Output goes to files of its own beside the data folder."""

    _numbers = itertools.count()

    def __init__(self, data: Path, *arguments: str, **environment: str) -> None:
        number = next(self._numbers)
        self.out, self.err = data.with_suffix(f".{number}.out"), data.with_suffix(f".{number}.err")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BATCH_")}
        with self.out.open("w") as out, self.err.open("w") as err:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "local_host", "--app", SAMPLE, "--port", "0"),
                    *("--data", str(data), "--workers", "1", *arguments),
                ],
                cwd=ROOT,
                env={**kept, "TICK_SCHEDULE": NEVER, **environment},
                stdout=out,
                stderr=err,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def url(self) -> str:
        """Where it listens, once it does."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := re.search(r"^Listening on (http://127\.0\.0\.1:\d+)$", self.out.read_text(), re.MULTILINE):
                return found[1]
            time.sleep(0.02)
        raise AssertionError(f"the host did not start: {self.err.read_text()}")

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Its exit code."""
        return self._process.wait(timeout=60)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@contextmanager
def host(data: Path, *arguments: str, **environment: str) -> Iterator[HostProcess]:
    process = HostProcess(data, *arguments, **environment)
    try:
        yield process
    finally:
        process.end()
