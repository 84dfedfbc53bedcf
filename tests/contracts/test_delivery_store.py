"""Every sentence of `DeliveryStore`, against every implementation."""

from datetime import timedelta

import msgspec
import pytest

from shared.ports.base import AlreadyExists, Changed
from tests.contracts.samples import START, a_delivery, an_id


async def due_ids(deliveries, seconds):
    return sorted([stored.value.id async for stored in deliveries.due(START + timedelta(seconds=seconds))])


async def postpone(deliveries, delivery_id, seconds, **changes):
    stored = await deliveries.get(delivery_id)
    later = msgspec.structs.replace(stored.value, due_at=START + timedelta(seconds=seconds), **changes)
    return await deliveries.replace(later, stored.version)


async def test_a_delivery_reads_back_as_it_was(deliveries):
    """Every field."""
    delivery = a_delivery(1, seconds=1.000001, ended=True)
    await deliveries.insert(delivery)
    assert (await deliveries.get(delivery.id)).value == delivery


async def test_insert_of_a_taken_delivery_id_raises(deliveries):
    """AlreadyExists, and the first record stays."""
    await deliveries.insert(a_delivery(1, ended=True))
    with pytest.raises(AlreadyExists):
        await deliveries.insert(a_delivery(1, seconds=5))
    assert (await deliveries.get(an_id(1))).value.ended


async def test_a_refused_insert_leaves_nothing_due(deliveries):
    """What the record says counts."""
    await deliveries.insert(a_delivery(1, seconds=100))
    with pytest.raises(AlreadyExists):
        await deliveries.insert(a_delivery(1, seconds=1))
    assert await due_ids(deliveries, 10) == []


async def test_deliveries_of_every_owner_become_due(deliveries):
    """At their time, not a microsecond earlier."""
    await deliveries.insert(a_delivery(1, seconds=10))
    await deliveries.insert(a_delivery(2, seconds=20, owner="project-b"))
    assert await due_ids(deliveries, 9.999999) == []
    assert await due_ids(deliveries, 10) == [an_id(1)]
    assert await due_ids(deliveries, 20) == [an_id(1), an_id(2)]


async def test_a_postponed_delivery_is_due_at_its_new_time_only(deliveries):
    """However often it is postponed."""
    await deliveries.insert(a_delivery(1, seconds=1))
    for seconds in (10, 20, 30):
        await postpone(deliveries, an_id(1), seconds)
        assert await due_ids(deliveries, seconds - 1) == []
        assert await due_ids(deliveries, seconds) == [an_id(1)]


async def test_deliveries_may_be_postponed_on_the_way(deliveries):
    """A sweeper that postpones what it is handed meets every delivery once."""
    for number in range(10):
        await deliveries.insert(a_delivery(number, seconds=number % 3))
    met = []
    async for stored in deliveries.due(START + timedelta(seconds=60)):
        met.append(stored.value.id)
        later = msgspec.structs.replace(stored.value, due_at=START + timedelta(seconds=600))
        await deliveries.replace(later, stored.version)
    assert sorted(met) == [an_id(number) for number in range(10)]


async def test_a_replacement_at_an_old_version_raises(deliveries):
    """Changed; the newer record stays, and so does its time."""
    await deliveries.insert(a_delivery(1, seconds=1))
    old = await deliveries.get(an_id(1))
    await postpone(deliveries, an_id(1), 100, ended=True)
    with pytest.raises(Changed):
        await deliveries.replace(old.value, old.version)
    assert await due_ids(deliveries, 50) == []
    assert (await deliveries.get(an_id(1))).value.ended


async def test_a_deleted_delivery_is_gone(deliveries):
    """From look-ups and from what is due; deleting it again does nothing."""
    await deliveries.insert(a_delivery(1))
    await deliveries.delete(a_delivery(1))
    await deliveries.delete(a_delivery(1))
    assert await deliveries.get(an_id(1)) is None
    assert await due_ids(deliveries, 10) == []
