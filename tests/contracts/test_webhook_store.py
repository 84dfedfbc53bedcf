"""Every sentence of `WebhookStore`, against every implementation."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from shared.ports import AlreadyExists, Changed
from tests.contracts.samples import START, a_delivery, a_webhook_endpoint, an_id


async def due_ids(webhooks, seconds):
    return sorted([stored.value.id async for stored in webhooks.due_deliveries(START + timedelta(seconds=seconds))])


async def postpone(webhooks, delivery_id, seconds, **changes):
    stored = await webhooks.get_delivery(delivery_id)
    later = msgspec.structs.replace(stored.value, due_at=START + timedelta(seconds=seconds), **changes)
    return await webhooks.replace_delivery(later, stored.version)


async def test_an_endpoint_reads_back_as_it_was(webhooks):
    """Every field, microseconds, secrets and foreign letters included."""
    endpoint = a_webhook_endpoint(1, old_secret="old", old_secret_until=START + timedelta(seconds=1.5))
    await webhooks.insert_endpoint(endpoint)
    assert (await webhooks.get_endpoint("project-a", endpoint.id)).value == endpoint


async def test_insert_of_a_taken_endpoint_id_raises(webhooks):
    """AlreadyExists, and the first record stays."""
    await webhooks.insert_endpoint(a_webhook_endpoint(1, name="first"))
    with pytest.raises(AlreadyExists):
        await webhooks.insert_endpoint(a_webhook_endpoint(1, name="second"))
    assert (await webhooks.get_endpoint("project-a", an_id(1))).value.name == "first"


async def test_endpoints_do_not_cross_owners(webhooks):
    """Another owner's endpoint is neither found, listed nor deleted."""
    await webhooks.insert_endpoint(a_webhook_endpoint(1, owner="project-b"))
    assert await webhooks.get_endpoint("project-a", an_id(1)) is None
    assert await webhooks.list_endpoints("project-a", limit=10) == []
    assert await webhooks.delete_endpoint("project-a", an_id(1)) is False
    assert await webhooks.get_endpoint("project-b", an_id(1)) is not None


async def test_endpoints_are_listed_newest_first(webhooks):
    """Strictly past `after`, which is a position, and at most `limit`."""
    for number in (2, 0, 3, 1):
        await webhooks.insert_endpoint(a_webhook_endpoint(number))
    await webhooks.delete_endpoint("project-a", an_id(3))
    listed = [endpoint.id for endpoint in await webhooks.list_endpoints("project-a", after=an_id(3), limit=2)]
    assert listed == [an_id(2), an_id(1)]


async def test_of_two_replacements_of_an_endpoint_one_wins(webhooks):
    """The version decides."""
    await webhooks.insert_endpoint(a_webhook_endpoint(1))
    version = (await webhooks.get_endpoint("project-a", an_id(1))).version
    writes = [webhooks.replace_endpoint(a_webhook_endpoint(1, name=name), version) for name in ("x", "y")]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Changed", "str"]


async def test_a_deleted_endpoint_cannot_be_replaced(webhooks):
    """Changed: an update must not bring it back."""
    await webhooks.insert_endpoint(a_webhook_endpoint(1))
    version = (await webhooks.get_endpoint("project-a", an_id(1))).version
    assert await webhooks.delete_endpoint("project-a", an_id(1)) is True
    with pytest.raises(Changed):
        await webhooks.replace_endpoint(a_webhook_endpoint(1), version)
    assert await webhooks.delete_endpoint("project-a", an_id(1)) is False


async def test_a_delivery_reads_back_as_it_was(webhooks):
    """Every field."""
    delivery = a_delivery(1, seconds=1.000001, ended=True)
    await webhooks.insert_delivery(delivery)
    assert (await webhooks.get_delivery(delivery.id)).value == delivery


async def test_insert_of_a_taken_delivery_id_raises(webhooks):
    """AlreadyExists, and the first record stays."""
    await webhooks.insert_delivery(a_delivery(1, ended=True))
    with pytest.raises(AlreadyExists):
        await webhooks.insert_delivery(a_delivery(1, seconds=5))
    assert (await webhooks.get_delivery(an_id(1))).value.ended


async def test_a_refused_insert_leaves_nothing_due(webhooks):
    """What the record says counts."""
    await webhooks.insert_delivery(a_delivery(1, seconds=100))
    with pytest.raises(AlreadyExists):
        await webhooks.insert_delivery(a_delivery(1, seconds=1))
    assert await due_ids(webhooks, 10) == []


async def test_deliveries_of_every_owner_become_due(webhooks):
    """At their time, not a microsecond earlier."""
    await webhooks.insert_delivery(a_delivery(1, seconds=10))
    await webhooks.insert_delivery(a_delivery(2, seconds=20, owner="project-b"))
    assert await due_ids(webhooks, 9.999999) == []
    assert await due_ids(webhooks, 10) == [an_id(1)]
    assert await due_ids(webhooks, 20) == [an_id(1), an_id(2)]


async def test_a_postponed_delivery_is_due_at_its_new_time_only(webhooks):
    """However often it is postponed."""
    await webhooks.insert_delivery(a_delivery(1, seconds=1))
    for seconds in (10, 20, 30):
        await postpone(webhooks, an_id(1), seconds)
        assert await due_ids(webhooks, seconds - 1) == []
        assert await due_ids(webhooks, seconds) == [an_id(1)]


async def test_deliveries_may_be_postponed_on_the_way(webhooks):
    """A sweeper that postpones what it is handed meets every delivery once."""
    for number in range(10):
        await webhooks.insert_delivery(a_delivery(number, seconds=number % 3))
    met = []
    async for stored in webhooks.due_deliveries(START + timedelta(seconds=60)):
        met.append(stored.value.id)
        later = msgspec.structs.replace(stored.value, due_at=START + timedelta(seconds=600))
        await webhooks.replace_delivery(later, stored.version)
    assert sorted(met) == [an_id(number) for number in range(10)]


async def test_a_replacement_at_an_old_version_raises(webhooks):
    """Changed; the newer record stays, and so does its time."""
    await webhooks.insert_delivery(a_delivery(1, seconds=1))
    old = await webhooks.get_delivery(an_id(1))
    await postpone(webhooks, an_id(1), 100, ended=True)
    with pytest.raises(Changed):
        await webhooks.replace_delivery(old.value, old.version)
    assert await due_ids(webhooks, 50) == []
    assert (await webhooks.get_delivery(an_id(1))).value.ended


async def test_a_deleted_delivery_is_gone(webhooks):
    """From look-ups and from what is due; deleting it again does nothing."""
    await webhooks.insert_delivery(a_delivery(1))
    await webhooks.delete_delivery(a_delivery(1))
    await webhooks.delete_delivery(a_delivery(1))
    assert await webhooks.get_delivery(an_id(1)) is None
    assert await due_ids(webhooks, 10) == []
