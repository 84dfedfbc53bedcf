"""Every sentence of `CreationStore`, against every implementation."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from shared.domain.batches.creation import Creation
from shared.ports.base import Changed
from tests.contracts.samples import START, an_id


def a_creation(number=0, **changes):
    values = {"name": f"{number:064x}", "request": "r", "retries": 0, "object_id": an_id(number), "at": START}
    return Creation(**values | changes)


async def test_a_record_reads_back_as_it_was(creations):
    """Every field."""
    await creations.put(a_creation(retries=2), None)
    assert (await creations.get(a_creation().name)).value == a_creation(retries=2)


async def test_an_unknown_name_is_none(creations):
    """No record, no error."""
    assert await creations.get(a_creation().name) is None


async def test_a_taken_name_is_changed(creations):
    """The first record stays."""
    await creations.put(a_creation(), None)
    with pytest.raises(Changed):
        await creations.put(a_creation(retries=1), None)
    assert (await creations.get(a_creation().name)).value == a_creation()


async def test_replacing_at_the_version_read(creations):
    """Once; the second writer at that version is too late."""
    await creations.put(a_creation(), None)
    stored = await creations.get(a_creation().name)
    newer = msgspec.structs.replace(stored.value, at=START + timedelta(hours=1))
    await creations.put(newer, stored.version)
    with pytest.raises(Changed):
        await creations.put(a_creation(retries=5), stored.version)
    assert (await creations.get(a_creation().name)).value == newer


async def test_of_inserts_at_once_one_wins(creations):
    """And the record is the winner's."""
    outcomes = await asyncio.gather(
        *(creations.put(a_creation(retries=number), None) for number in range(5)), return_exceptions=True
    )
    (winner,) = [number for number, outcome in enumerate(outcomes) if outcome is None]
    assert [type(outcome) for outcome in outcomes].count(Changed) == 4
    assert (await creations.get(a_creation().name)).value.retries == winner


async def test_every_record_is_listed(creations):
    """More than one page of them."""
    for number in range(203):
        await creations.put(a_creation(number), None)
    assert {creation.object_id async for creation in creations.every()} == {an_id(number) for number in range(203)}


async def test_deleting(creations):
    """Gone; twice does no harm."""
    await creations.put(a_creation(), None)
    await creations.delete(a_creation().name)
    await creations.delete(a_creation().name)
    assert await creations.get(a_creation().name) is None
