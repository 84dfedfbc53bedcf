"""The names of activities: which of them have ended, as others on the machine can tell."""

from __future__ import annotations

import asyncio
import sys

import pytest

from shared.run.lane.lease import has_ended, holding

NAMES = "from shared.run.lane.lease import holding\nwith holding() as name:\n print(name, flush=True)\n input()\n"


@pytest.fixture
async def elsewhere():
    """A process that holds a lane, and the name it goes by."""
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", NAMES, **pipes)
    assert process.stdout
    yield process, (await process.stdout.readline()).decode().strip()
    if process.returncode is None:
        process.kill()
    await process.communicate()


def test_a_call_of_this_process_has_ended_when_its_block_has() -> None:
    """No other process is asked."""
    with holding() as holder:
        assert not has_ended(holder)
    assert has_ended(holder)


def test_two_calls_have_two_names() -> None:
    """One of them ends, the other does not."""
    with holding() as first:
        with holding() as second:
            pass
        assert (has_ended(first), has_ended(second)) == (False, True)


async def test_a_call_of_another_process_ends_with_it(elsewhere) -> None:
    """`kill -9`, and it is known at once."""
    process, holder = elsewhere
    assert not has_ended(holder)
    process.kill()
    await process.wait()

    assert has_ended(holder)


async def test_a_process_with_a_number_used_before_is_another(elsewhere) -> None:
    """After a restart of a container the numbers are the same; the processes are not."""
    _, holder = elsewhere
    machine, pid, begin, call = holder.rsplit("/", 3)

    assert has_ended(f"{machine}/{pid}/{int(begin) - 1}/{call}")


async def test_of_another_machine_nothing_is_known(elsewhere) -> None:
    """Its claim runs out."""
    process, holder = elsewhere
    process.kill()
    await process.wait()

    assert not has_ended(f"other-{holder}")
    assert has_ended("")
