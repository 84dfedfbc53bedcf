"""Every sentence of `UsageStore`, against every implementation."""

from datetime import timedelta

import pytest

from shared.domain.usage.ledger import Rollup, Width, start_of
from shared.ports.base import Changed
from tests.contracts.samples import START, a_ledger_row, a_tally

HOUR = timedelta(hours=1)
NOON = start_of(START, Width.HOUR)
DAY = start_of(START, Width.DAY)


async def rows_of(usage, start=NOON, project="project-a"):
    rows = [row async for row in usage.rows(start, project)]
    return sorted(rows, key=lambda row: (row.batch_id, row.chunk))


async def due_hours(usage):
    return [(stored.value.start, stored.value.project) for stored in sorted(await usage.due(), key=lambda it: it.value)]


def a_rollup(project="project-a", width=Width.HOUR, start=NOON, tokens=10):
    return Rollup(project=project, width=width, start=start, tallies=(a_tally(tokens),))


async def found(usage, width, first, until, project=None):
    return [rollup async for rollup in usage.rollups(width, first, until, project)]


async def test_rows_read_back_as_they_were(usage):
    """Every field, of every chunk and batch of the hour, and of no other hour or project."""
    rows = [a_ledger_row(batch, chunk) for batch in (1, 2) for chunk in (0, 10, 2)]
    keyed = a_ledger_row(3, tally=a_tally(7, key_id="k" * 32))
    await usage.write(rows)
    await usage.write([keyed])
    await usage.write([a_ledger_row(4, project="project-b")])
    await usage.write([a_ledger_row(5, sealed_at=START + HOUR)])
    assert await rows_of(usage) == sorted([*rows, keyed], key=lambda row: (row.batch_id, row.chunk))


async def test_rows_of_all_projects(usage):
    """Of that hour."""
    rows = [a_ledger_row(number, project=project) for number, project in enumerate(("a", "b", "a_b"))]
    for row in [*rows, a_ledger_row(9, project="a", sealed_at=START + HOUR)]:
        await usage.write([row])
    assert await rows_of(usage, project=None) == rows


async def test_the_same_rows_again_are_the_same_rows(usage):
    """Some of them, all of them, as often as one likes."""
    rows = [a_ledger_row(1, chunk) for chunk in range(3)]
    await usage.write(rows[1:])
    await usage.write(rows)
    await usage.write(rows)
    assert await rows_of(usage) == rows


async def test_many_rows_are_written_at_once(usage):
    """More than a transaction of Table Storage takes, and more than a page of a query has."""
    rows = [a_ledger_row(1, chunk) for chunk in range(1234)]
    await usage.write(rows)
    assert await rows_of(usage) == rows


async def test_projects_may_be_called_anything(usage):
    """One whose name is the beginning of another's, or holds what separates parts of keys, is a project of its own."""
    projects = ["a", "a_b", "ab", "a/b?#", "$hours", "ä"]
    for number, project in enumerate(projects):
        await usage.write([a_ledger_row(number, project=project)])
        await usage.put_rollup(a_rollup(project, tokens=number), None)
    for number, project in enumerate(projects):
        assert await rows_of(usage, project=project) == [a_ledger_row(number, project=project)]
        assert await found(usage, Width.HOUR, NOON, NOON + HOUR, project) == [a_rollup(project, tokens=number)]
    assert {project for _, project in await due_hours(usage)} == set(projects)


async def test_an_hour_is_due_until_it_is_settled(usage):
    """Once, however often it is written to."""
    for chunk in range(3):
        await usage.write([a_ledger_row(1, chunk)])
    await usage.write([a_ledger_row(1, sealed_at=START + HOUR)])
    await usage.write([a_ledger_row(1, project="project-b")])
    due = sorted(await usage.due(), key=lambda stored: stored.value)
    assert await due_hours(usage) == [(NOON, "project-a"), (NOON, "project-b"), (NOON + HOUR, "project-a")]
    await usage.settle(due[0].value, due[0].version)
    await usage.settle(due[0].value, due[0].version)
    assert await due_hours(usage) == [(NOON, "project-b"), (NOON + HOUR, "project-a")]


async def test_an_hour_that_was_written_to_stays_due(usage):
    """Between the look and the settlement, also when another settlement came between."""
    await usage.write([a_ledger_row(1)])
    (old,) = await usage.due()
    await usage.write([a_ledger_row(2)])
    await usage.settle(old.value, old.version)
    (new,) = await usage.due()
    await usage.settle(new.value, new.version)
    await usage.write([a_ledger_row(3)])
    for seen in (old, new):
        await usage.settle(seen.value, seen.version)
    assert await due_hours(usage) == [(NOON, "project-a")]


async def test_a_rollup_reads_back_as_it_was(usage):
    """Every field; one of another width, hour or project is another."""
    rollup = Rollup(
        project="project-a", width=Width.DAY, start=DAY, tallies=(a_tally(1), a_tally(2, key_id="k", model="m"))
    )
    await usage.put_rollup(rollup, None)
    assert (await usage.rollup("project-a", Width.DAY, DAY)).value == rollup
    assert await usage.rollup("project-a", Width.HOUR, DAY) is None
    assert await usage.rollup("project-a", Width.DAY, DAY + timedelta(days=1)) is None
    assert await usage.rollup("project-b", Width.DAY, DAY) is None


async def test_a_rollup_goes_from_version_to_version(usage):
    """Each replaces the one before as a whole."""
    for tokens in (1, 2, 3):
        stored = await usage.rollup("project-a", Width.HOUR, NOON)
        await usage.put_rollup(a_rollup(tokens=tokens), stored.version if stored else None)
    assert (await usage.rollup("project-a", Width.HOUR, NOON)).value == a_rollup(tokens=3)


async def test_a_rollup_at_an_old_version_is_refused(usage):
    """Changed, with an old version and with none; what is there stays."""
    await usage.put_rollup(a_rollup(tokens=1), None)
    old = await usage.rollup("project-a", Width.HOUR, NOON)
    await usage.put_rollup(a_rollup(tokens=2), old.version)
    for version in (old.version, None):
        with pytest.raises(Changed):
            await usage.put_rollup(a_rollup(tokens=3), version)
    assert (await usage.rollup("project-a", Width.HOUR, NOON)).value == a_rollup(tokens=2)


async def test_rollups_of_a_span(usage):
    """From the first start on, before the last, in order of time; of all projects or of one."""
    rollups = [a_rollup(project, start=NOON + number * HOUR) for number in range(5) for project in ("a", "b")]
    for rollup in reversed(rollups):
        await usage.put_rollup(rollup, None)
    await usage.put_rollup(a_rollup("a", Width.DAY, NOON + HOUR), None)
    until = NOON + 4 * HOUR
    both = await found(usage, Width.HOUR, NOON + HOUR, until)
    assert sorted(both, key=lambda rollup: (rollup.start, rollup.project)) == rollups[2:8]
    assert [rollup.start for rollup in both] == sorted(rollup.start for rollup in both)
    assert await found(usage, Width.HOUR, NOON + HOUR, until, "b") == rollups[3:8:2]


async def test_old_rows_are_forgotten_oldest_first(usage):
    """No more than asked for; sums, hours that are due, and the rows from that hour on stay."""
    for hours, project in ((0, "project-a"), (0, "project-b"), (1, "project-a"), (2, "project-a")):
        await usage.write([a_ledger_row(chunk, project=project, sealed_at=START + hours * HOUR) for chunk in range(3)])
    await usage.put_rollup(a_rollup(), None)
    due = await due_hours(usage)

    async def counts():
        return [len([row async for row in usage.rows(NOON + hours * HOUR)]) for hours in range(3)]

    assert await usage.forget(NOON + 2 * HOUR, 4) == 4
    assert await counts() == [2, 3, 3]
    assert await usage.forget(NOON + 2 * HOUR, 100) == 5
    assert await usage.forget(NOON + 2 * HOUR, 100) == 0
    assert await counts() == [0, 0, 3]
    assert await usage.rollup("project-a", Width.HOUR, NOON) is not None
    assert await due_hours(usage) == due
