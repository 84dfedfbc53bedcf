"""`scripts/lib/leash.py`: what a script starts ends with the script."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from tests.architecture.product import ROOT

LEASH = ROOT / "scripts/lib/leash.py"
SLEEPER = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(60)"


@pytest.fixture(scope="module")
def leash() -> ModuleType:
    """The module itself; scripts are no package."""
    spec = importlib.util.spec_from_file_location("leash", LEASH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _within(seconds: float, fact: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if fact():
            return True
        time.sleep(0.02)
    return False


def _pid_in(log: Path) -> int:
    assert _within(10, lambda: log.exists() and log.read_text().strip().isdigit())
    return int(log.read_text())


def _running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_stop_ends_the_command(leash: ModuleType, tmp_path: Path) -> None:
    """Once `stop` returns the command is gone."""
    held = leash.start([sys.executable, "-c", SLEEPER], log=tmp_path / "log")
    pid = _pid_in(tmp_path / "log")

    leash.stop(held)

    assert not _running(pid)


def test_command_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    """A starter killed with SIGKILL leaves nothing behind."""
    log = tmp_path / "log"
    program = (
        f"import sys, time, pathlib; sys.path.insert(0, {str(LEASH.parent)!r}); import leash\n"
        f"held = leash.start([sys.executable, '-c', {SLEEPER!r}], log=pathlib.Path({str(log)!r})); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", program])
    pid = _pid_in(log)

    starter.kill()
    starter.wait()

    assert _within(10, lambda: not _running(pid))


def test_command_outlives_an_exec_that_keeps_the_leash(tmp_path: Path) -> None:
    """A starter that becomes another program still holds the leash, and the command ends with that program."""
    log = tmp_path / "log"
    program = (
        f"import os, sys, pathlib; sys.path.insert(0, {str(LEASH.parent)!r}); import leash\n"
        f"leash.keep_through_exec(leash.start([sys.executable, '-c', {SLEEPER!r}], log=pathlib.Path({str(log)!r})))\n"
        "os.execv(sys.executable, [sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(60)'])"
    )
    starter = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    pid = _pid_in(log)
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"1\n"
    survived = _running(pid)

    starter.kill()
    starter.communicate()

    assert survived
    assert _within(10, lambda: not _running(pid))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_command_ends_when_the_leash_is_told_to(leash: ModuleType, tmp_path: Path, number: signal.Signals) -> None:
    """A leash that gets SIGTERM or SIGHUP itself, as from a signal to everything, ends its command first."""
    held = leash.start([sys.executable, "-c", SLEEPER], log=tmp_path / "log")
    pid = _pid_in(tmp_path / "log")

    held.send_signal(number)
    held.wait(60)
    leash.stop(held)

    assert not _running(pid)


def test_exit_code_is_the_commands(leash: ModuleType, tmp_path: Path) -> None:
    """A command that ends by itself ends its leash with the same exit code."""
    held = leash.start([sys.executable, "-c", "raise SystemExit(7)"], log=tmp_path / "log")

    code = held.wait(60)
    leash.stop(held)

    assert code == 7


def test_ctrl_c_does_not_reach_the_command(tmp_path: Path) -> None:
    """SIGINT to the starter's process group, as a terminal sends it, leaves the command to the starter."""
    log = tmp_path / "log"
    program = (
        f"import signal, sys, time, pathlib; sys.path.insert(0, {str(LEASH.parent)!r}); import leash\n"
        "signal.signal(signal.SIGINT, lambda *_: print('interrupted', flush=True))\n"
        f"held = leash.start([sys.executable, '-c', {SLEEPER!r}], log=pathlib.Path({str(log)!r}))\n"
        "sys.stdin.read(); leash.stop(held)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    pid = _pid_in(log)
    os.killpg(starter.pid, signal.SIGINT)
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"interrupted\n"
    survived = _running(pid)

    starter.communicate(b"")

    assert survived
    assert not _running(pid)
