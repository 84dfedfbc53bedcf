"""Every sentence of `WebhookEndpointStore`, against every implementation."""

import asyncio
from datetime import timedelta

import pytest

from shared.ports.base import AlreadyExists, Changed
from tests.contracts.samples import START, a_webhook_endpoint, an_id


async def test_an_endpoint_reads_back_as_it_was(webhook_endpoints):
    """Every field, microseconds, secrets and foreign letters included."""
    endpoint = a_webhook_endpoint(1, old_secret="old", old_secret_until=START + timedelta(seconds=1.5))
    await webhook_endpoints.insert(endpoint)
    assert (await webhook_endpoints.get("project-a", endpoint.id)).value == endpoint


async def test_insert_of_a_taken_endpoint_id_raises(webhook_endpoints):
    """AlreadyExists, and the first record stays."""
    await webhook_endpoints.insert(a_webhook_endpoint(1, name="first"))
    with pytest.raises(AlreadyExists):
        await webhook_endpoints.insert(a_webhook_endpoint(1, name="second"))
    assert (await webhook_endpoints.get("project-a", an_id(1))).value.name == "first"


async def test_endpoints_do_not_cross_owners(webhook_endpoints):
    """Another owner's endpoint is neither found, listed nor deleted."""
    await webhook_endpoints.insert(a_webhook_endpoint(1, owner="project-b"))
    assert await webhook_endpoints.get("project-a", an_id(1)) is None
    assert await webhook_endpoints.list("project-a", limit=10) == []
    assert await webhook_endpoints.delete("project-a", an_id(1)) is False
    assert await webhook_endpoints.get("project-b", an_id(1)) is not None


async def test_endpoints_are_listed_newest_first(webhook_endpoints):
    """Strictly past `after`, which is a position, and at most `limit`."""
    for number in (2, 0, 3, 1):
        await webhook_endpoints.insert(a_webhook_endpoint(number))
    await webhook_endpoints.delete("project-a", an_id(3))
    listed = [endpoint.id for endpoint in await webhook_endpoints.list("project-a", after=an_id(3), limit=2)]
    assert listed == [an_id(2), an_id(1)]


async def test_of_two_replacements_of_an_endpoint_one_wins(webhook_endpoints):
    """The version decides."""
    await webhook_endpoints.insert(a_webhook_endpoint(1))
    version = (await webhook_endpoints.get("project-a", an_id(1))).version
    writes = [webhook_endpoints.replace(a_webhook_endpoint(1, name=name), version) for name in ("x", "y")]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Changed", "str"]


async def test_a_deleted_endpoint_cannot_be_replaced(webhook_endpoints):
    """Changed: an update must not bring it back."""
    await webhook_endpoints.insert(a_webhook_endpoint(1))
    version = (await webhook_endpoints.get("project-a", an_id(1))).version
    assert await webhook_endpoints.delete("project-a", an_id(1)) is True
    with pytest.raises(Changed):
        await webhook_endpoints.replace(a_webhook_endpoint(1), version)
    assert await webhook_endpoints.delete("project-a", an_id(1)) is False
