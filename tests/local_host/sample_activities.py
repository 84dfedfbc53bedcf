"""Activities for the tests of the worker processes; `bootstrap` is what a worker loads."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from shared.run.lane.host_life import host_life


async def double(value):
    return value * 2


async def process_id(_):
    await asyncio.sleep(0.2)
    return os.getpid()


_arrived = []


async def meets(count):
    """Whether so many calls come to be under way at a time."""
    _arrived.append(1)
    patience = time.monotonic() + 60
    while len(_arrived) < count and time.monotonic() < patience:
        await asyncio.sleep(0.01)
    return len(_arrived) >= count


def meets_in_a_thread(count):
    _arrived.append(1)
    patience = time.monotonic() + 60
    while len(_arrived) < count and time.monotonic() < patience:
        time.sleep(0.01)
    return len(_arrived) >= count


async def asleep(value):
    await asyncio.sleep(0.3)
    return value


async def raising(value):
    raise ValueError(f"cannot use {value}")


async def unspeakable(_):
    raise ValueError("half a pair: \ud800")


async def cancelled(_):
    raise asyncio.CancelledError


def leaving(_):
    raise SystemExit(3)


async def unserialisable(_):
    return object()


def noisy(value):
    print("printed by Python")  # noqa: T201
    os.write(1, b"printed by C")
    os.system("echo printed by a child")
    return value


async def until_the_host_stops(_):
    begun = host_life.begin()
    while host_life.ends() == begun:
        await asyncio.sleep(0.01)
    return "stops"


async def large(size):
    return "x" * size


async def sleeping(seconds):
    await asyncio.sleep(seconds)


def exiting(code):
    os._exit(code)


def note_process(path):
    """Add this process's id to the file; return how many are in it."""
    with Path(path).open("a+") as file:
        file.write(f"{os.getpid()}\n")
        file.seek(0)
        return len(file.readlines())


async def blocking(path):
    """Notes the process id, then holds the event loop."""
    note_process(path)
    time.sleep(60)  # noqa: ASYNC251 - what a worker must survive


async def once_slow(path):
    """Notes the process id; waits long in the first process, not at all in the next."""
    processes = note_process(path)
    if processes == 1:
        await asyncio.sleep(60)
    return processes


async def environment(name):
    return os.environ.get(name)


FUNCTIONS = [
    double, process_id, unspeakable, cancelled, leaving, meets, meets_in_a_thread, asleep, raising, sleeping, exiting, unserialisable, noisy, large, until_the_host_stops, blocking, once_slow, environment,
]  # fmt: skip


def bootstrap():
    return {function.__name__: function for function in FUNCTIONS}


def slow():
    time.sleep(60)


def broken():
    raise RuntimeError("this app cannot be loaded")
