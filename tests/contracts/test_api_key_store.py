"""Every sentence of `ApiKeyStore`, against every implementation."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from shared.domain.keys.priority import Priority
from shared.ports.base import AlreadyExists, Changed
from tests.contracts.samples import START, an_api_key, an_id


async def test_a_key_reads_back_as_it_was(api_keys):
    """Every field, microseconds and foreign letters included; the id alone finds it."""
    key = an_api_key(
        1,
        scopes=("api.files.read", "usage"),
        models=(),
        max_priority=Priority.LOW,
        labels={"Abteilung": "Größe"},
        expires_at=START + timedelta(days=1.5),
        last_used_at=START,
    )
    await api_keys.insert(key)
    assert (await api_keys.get(key.id)).value == key


@pytest.mark.parametrize("models", [None, (), ("gpt-4o",)])
async def test_no_models_are_not_all_models(api_keys, models):
    """None is what the project may use, an empty list nothing."""
    await api_keys.insert(an_api_key(1, models=models))
    assert (await api_keys.get(an_id(1))).value.models == models


async def test_an_unknown_key_is_none(api_keys):
    """No record, no error."""
    assert await api_keys.get(an_id(1)) is None


async def test_insert_of_a_taken_key_id_raises(api_keys):
    """AlreadyExists, and the first record stays, whosever it is."""
    await api_keys.insert(an_api_key(1, name="first"))
    with pytest.raises(AlreadyExists):
        await api_keys.insert(an_api_key(1, name="second", project="project-b"))
    assert (await api_keys.get(an_id(1))).value.name == "first"


async def test_replace_at_the_version_read_writes(api_keys):
    """Once; the second writer at that version hears Changed."""
    await api_keys.insert(an_api_key(1))
    stored = await api_keys.get(an_id(1))
    version = await api_keys.replace(an_api_key(1, last_used_at=START), stored.version)
    with pytest.raises(Changed):
        await api_keys.replace(an_api_key(1, scopes=("usage",)), stored.version)
    found = await api_keys.get(an_id(1))
    assert (found.value.last_used_at, found.value.scopes, found.version) == (START, (), version)


async def test_a_deleted_key_stays_deleted(api_keys):
    """Changed: noting that it was used must not bring a revoked key back."""
    await api_keys.insert(an_api_key(1))
    stored = await api_keys.get(an_id(1))
    assert await api_keys.delete(an_id(1)) is True
    with pytest.raises(Changed):
        await api_keys.replace(msgspec.structs.replace(stored.value, last_used_at=START), stored.version)
    assert await api_keys.get(an_id(1)) is None
    assert await api_keys.list("project-a", limit=9) == []
    assert await api_keys.delete(an_id(1)) is False


async def test_a_key_deleted_by_one_process_is_gone_for_the_others(api_keys, others):
    """At the next read; of two that delete it, one hears that it was there."""
    await others.api_keys.insert(an_api_key(1))
    assert (await api_keys.get(an_id(1))).value == an_api_key(1)
    deleted = await asyncio.gather(api_keys.delete(an_id(1)), others.api_keys.delete(an_id(1)))
    assert sorted(deleted) == [False, True]
    assert await others.api_keys.get(an_id(1)) is None


async def test_of_processes_that_replace_a_key_one_wins(api_keys, others):
    """The version decides."""
    await api_keys.insert(an_api_key(1))
    version = (await api_keys.get(an_id(1))).version
    writes = [store.replace(an_api_key(1, last_used_at=START), version) for store in (api_keys, others.api_keys)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Changed", "str"]


async def test_keys_are_listed_by_project(api_keys):
    """Administrators' keys are of none, and are a list of their own."""
    for number, project in enumerate(["project-a", "project-b", None, "project-a", None]):
        await api_keys.insert(an_api_key(number, project=project))
    assert [key.id for key in await api_keys.list("project-a", limit=9)] == [an_id(3), an_id(0)]
    assert [key.id for key in await api_keys.list("project-b", limit=9)] == [an_id(1)]
    assert [key.id for key in await api_keys.list(None, limit=9)] == [an_id(4), an_id(2)]
    assert await api_keys.list("project-c", limit=9) == []


async def test_pages_meet_every_key_once(api_keys):
    """Strictly past `after`, which is a position; other projects' keys in between do not shorten a page."""
    for number in range(12):
        await api_keys.insert(an_api_key(number, project="project-b" if number % 3 else "project-a"))
    await api_keys.delete(an_id(6))
    listed = [await api_keys.list("project-a", after=after, limit=2) for after in (None, an_id(5), an_id(3))]
    assert [[key.id for key in page] for page in listed] == [[an_id(9), an_id(3)], [an_id(3), an_id(0)], [an_id(0)]]


async def test_a_replaced_key_stays_in_its_list(api_keys):
    """As it is now."""
    await api_keys.insert(an_api_key(1))
    await api_keys.replace(an_api_key(1, name="second"), (await api_keys.get(an_id(1))).version)
    assert await api_keys.list("project-a", limit=9) == [an_api_key(1, name="second")]
