"""Every sentence of `ServiceAccountStore`, against every implementation."""

import asyncio

import pytest

from shared.domain.keys.service_account import Role
from shared.ports.base import AlreadyExists, Changed
from tests.contracts.samples import a_service_account, an_id


async def test_an_account_reads_back_as_it_was(service_accounts):
    """Every field, microseconds and foreign letters included."""
    account = a_service_account(1, role=Role.OWNER)
    await service_accounts.insert(account)
    assert (await service_accounts.get("project-a", account.id)).value == account


async def test_insert_of_a_taken_account_id_raises(service_accounts):
    """AlreadyExists, and the first record stays."""
    await service_accounts.insert(a_service_account(1, name="first"))
    with pytest.raises(AlreadyExists):
        await service_accounts.insert(a_service_account(1, name="second"))
    assert (await service_accounts.get("project-a", an_id(1))).value.name == "first"


async def test_accounts_do_not_cross_projects(service_accounts):
    """Another project's account is neither found, listed, replaced nor deleted."""
    await service_accounts.insert(a_service_account(1, project="project-b"))
    stored = await service_accounts.get("project-b", an_id(1))
    assert await service_accounts.get("project-a", an_id(1)) is None
    assert await service_accounts.list("project-a", limit=10) == []
    assert await service_accounts.delete("project-a", an_id(1)) is False
    with pytest.raises(Changed):
        await service_accounts.replace(a_service_account(1), stored.version)
    assert await service_accounts.get("project-b", an_id(1)) == stored


async def test_accounts_are_listed_newest_first(service_accounts):
    """Strictly past `after`, which is a position, and at most `limit`."""
    for number in (2, 0, 3, 1):
        await service_accounts.insert(a_service_account(number))
    await service_accounts.delete("project-a", an_id(3))
    assert [account.id for account in await service_accounts.list("project-a", limit=1)] == [an_id(2)]
    listed = await service_accounts.list("project-a", after=an_id(3), limit=2)
    assert [account.id for account in listed] == [an_id(2), an_id(1)]


async def test_of_processes_that_replace_an_account_one_wins(service_accounts, others):
    """The version decides, and the winner's is the next one."""
    await service_accounts.insert(a_service_account(1))
    version = (await service_accounts.get("project-a", an_id(1))).version
    writes = [
        store.replace(a_service_account(1, name=name), version)
        for name, store in (("x", service_accounts), ("y", others.service_accounts))
    ]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Changed", "str"]
    assert (await service_accounts.get("project-a", an_id(1))).version in outcomes


async def test_a_deleted_account_stays_deleted(service_accounts):
    """Changed: an update must not bring it back."""
    await service_accounts.insert(a_service_account(1))
    version = (await service_accounts.get("project-a", an_id(1))).version
    assert await service_accounts.delete("project-a", an_id(1)) is True
    with pytest.raises(Changed):
        await service_accounts.replace(a_service_account(1), version)
    assert await service_accounts.delete("project-a", an_id(1)) is False
