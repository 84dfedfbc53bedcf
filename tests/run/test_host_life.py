"""What a worker sees of the host that started it: real processes, real sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from shared.run.lane import host_life

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Only Linux shows the sockets of a parent process.")
ROOT = Path(__file__).parents[2]
WORKER = """
    import sys, time
    from shared.run.lane.host_life import HostLife
    life = HostLife()
    begun = life.begin()
    print("ready", flush=True)
    while life.ends() == begun:
        time.sleep(0.05)
    print("gone" if life.is_gone else "stops", flush=True)
"""
HOST = """
    import socket, subprocess, sys, time
    listener = socket.create_server(("127.0.0.1", 0))
    worker = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
    sys.stdin.readline()
    listener.close()
    sys.stdin.readline()
"""


@pytest.fixture
def host() -> subprocess.Popen[str]:
    """A process that listens and has a worker, which says `ready`."""
    command = [sys.executable, "-c", textwrap.dedent(HOST), textwrap.dedent(WORKER)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_listener_that_closes_tells_of_a_stop(host: subprocess.Popen[str]) -> None:
    """As a host does first when it is told to stop."""
    time.sleep(0.3)
    host.stdin.write("stop\n")
    host.stdin.flush()

    assert host.stdout.readline() == "stops\n"


def test_a_host_that_was_killed_is_gone(host: subprocess.Popen[str]) -> None:
    """Its worker lives on, under another parent."""
    os.kill(host.pid, signal.SIGKILL)

    assert host.stdout.readline() == "gone\n"


def test_a_connection_is_no_listener() -> None:
    """Only listening sockets count, and each is found by its number as /proc shows it."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        own = host_life._sockets_of(os.getpid())
        seen = host_life._listening()

        assert str(os.fstat(listener.fileno()).st_ino) in seen & own
        assert str(os.fstat(client.fileno()).st_ino) in own - seen


def test_a_host_that_says_so_stops() -> None:
    """Whatever began before, and whatever begins in spite of it, sees an end."""
    life = host_life.HostLife()
    before = life.begin()
    life.stops()

    assert before != life.ends()
    assert life.begin() != life.ends()
