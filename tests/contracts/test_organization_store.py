"""Every sentence of `OrganizationStore`, against every implementation."""

import asyncio

import pytest

from shared.domain.keys.organization import Organization
from shared.domain.usage.spend_limit import Interval, SpendLimit
from shared.ports.base import AlreadyExists, Changed

LIMITED = Organization(spend_limit=SpendLimit(currency="USD", interval=Interval.MONTH, threshold_amount=5))


async def test_it_reads_back_as_it_was(organization, others):
    """In every process; before it was written there is none."""
    assert await organization.get() is None
    await organization.insert(LIMITED)
    assert [(await store.get()).value for store in (organization, others.organization)] == [LIMITED] * 2


async def test_of_processes_that_insert_it_one_succeeds(organization, others):
    """AlreadyExists for the others."""
    stores = (organization, others.organization) * 3
    outcomes = await asyncio.gather(*(store.insert(Organization()) for store in stores), return_exceptions=True)
    assert [outcome for outcome in outcomes if not isinstance(outcome, AlreadyExists)] == [None]


async def test_replace_answers_the_new_version(organization):
    """Which the next read and the next replace know; at an old one it is Changed, and the record stays."""
    await organization.insert(Organization())
    first = (await organization.get()).version
    second = await organization.replace(LIMITED, first)
    assert (await organization.get()).version == second
    with pytest.raises(Changed):
        await organization.replace(Organization(), first)
    assert (await organization.get()).value == LIMITED
    await organization.replace(Organization(), second)
    assert (await organization.get()).value == Organization()
