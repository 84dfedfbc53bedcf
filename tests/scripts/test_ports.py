"""Ports for programs that must be told one: nobody else's, from the choice to the end of who chose."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests import core_tools
from tests.starved import stretched

_TAKE = "import sys; from ports import take_port; print(take_port([int(sys.argv[1])]), flush=True); sys.stdin.read()"


@pytest.fixture
def port() -> int:
    """One that was free a moment ago."""
    return core_tools.take_port()


def taker(port: int) -> subprocess.Popen[str]:
    """Another process that takes this one, and holds it until its standard input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", _TAKE, str(port)],
        env=core_tools.LAUNCHER_PATH,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_port_is_one_process_s_before_anybody_listens(port: int) -> None:
    """Two starts side by side never get the same; who asks for none but a taken one is told."""
    other = taker(port)
    said, why = other.communicate(timeout=stretched(60))
    assert (said, why) == ("", f"No port from {port} to {port} is free on this machine.\n")


def test_a_port_is_free_again_when_its_process_ends(port: int) -> None:
    """However it ends; the file may stay."""
    only = port + 1 if port + 1 < 30_000 else port - 1
    first = taker(only)
    assert first.stdout is not None
    assert first.stdout.readline() == f"{only}\n"
    refused = taker(only).communicate(timeout=stretched(60))
    first.kill()
    first.communicate(timeout=stretched(60))
    assert "is free" in refused[1]
    assert taker(only).communicate(timeout=stretched(60))[0] == f"{only}\n"


def test_a_port_with_a_listener_is_not_given() -> None:
    """Whoever it is."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _, why = taker(listener.getsockname()[1]).communicate(timeout=stretched(60))
    assert "is free" in why
