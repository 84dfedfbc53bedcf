"""Every sentence of `ProjectStore`, against every implementation."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from shared.domain.keys.project import DEFAULT_PROJECT, ModelMode, ModelPermissions, default_project
from shared.ports.base import AlreadyExists, Changed
from tests.contracts.samples import START, a_project, an_id


async def test_a_project_reads_back_as_it_was(projects):
    """Every field, microseconds and foreign letters included."""
    project = a_project(
        1,
        archived_at=START + timedelta(seconds=1.5),
        model_permissions=ModelPermissions(mode=ModelMode.DENY_LIST, model_ids=("gpt-4o", "lärge")),
        labels={"Abteilung": "Größe"},
    )
    await projects.insert(project)
    assert (await projects.get(project.id)).value == project


async def test_an_unknown_project_is_none(projects):
    """No record, no error."""
    assert await projects.get(an_id(1)) is None


async def test_insert_of_a_taken_project_id_raises(projects):
    """AlreadyExists, and the first record stays: whoever makes the default project first has made it."""
    await projects.insert(default_project(START))
    with pytest.raises(AlreadyExists):
        await projects.insert(default_project(START + timedelta(days=1)))
    assert (await projects.get(DEFAULT_PROJECT)).value.created_at == START


async def test_of_processes_that_insert_one_project_one_succeeds(projects, others):
    """As with the default project, which each process would make at its start."""
    outcomes = await asyncio.gather(
        *(store.insert(default_project(START)) for store in (projects, others.projects) * 3), return_exceptions=True
    )
    assert [outcome for outcome in outcomes if not isinstance(outcome, AlreadyExists)] == [None]


async def test_replace_answers_the_new_version(projects):
    """Which the next read and the next replace know."""
    await projects.insert(a_project(1))
    version = await projects.replace(a_project(1, name="second"), (await projects.get(an_id(1))).version)
    assert (await projects.get(an_id(1))) == msgspec.structs.replace(
        await projects.get(an_id(1)), value=a_project(1, name="second"), version=version
    )
    await projects.replace(a_project(1, name="third"), version)
    assert (await projects.get(an_id(1))).value.name == "third"


async def test_replace_at_an_old_version_raises(projects):
    """Changed, and the record stays as the other wrote it."""
    await projects.insert(a_project(1))
    stored = await projects.get(an_id(1))
    await projects.replace(a_project(1, name="second"), stored.version)
    with pytest.raises(Changed):
        await projects.replace(a_project(1, name="third"), stored.version)
    assert (await projects.get(an_id(1))).value.name == "second"


async def test_replace_of_a_missing_project_raises(projects):
    """Changed: it is not there at that version, nor at any."""
    await projects.insert(a_project(1))
    with pytest.raises(Changed):
        await projects.replace(a_project(2), (await projects.get(an_id(1))).version)


async def test_no_change_is_lost_between_processes(projects, others):
    """Two that add labels, each reading again after Changed, end with all of them."""
    await projects.insert(a_project(1))

    async def add(store, label):
        while True:
            stored = await store.get(an_id(1))
            labelled = msgspec.structs.replace(stored.value, labels={**stored.value.labels, label: ""})
            try:
                return await store.replace(labelled, stored.version)
            except Changed:
                continue

    await asyncio.gather(*(add(store, f"{name}{n}") for n in range(4) for name, store in both(projects, others)))
    assert len((await projects.get(an_id(1))).value.labels) == 8


def both(projects, others):
    return (("a", projects), ("b", others.projects))


async def test_projects_are_listed_newest_first(projects):
    """Strictly past `after`, which is a position, and at most `limit`."""
    for number in (2, 0, 3, 1, 5):
        await projects.insert(a_project(number))
    assert [project.id for project in await projects.list(limit=2)] == [an_id(5), an_id(3)]
    assert [project.id for project in await projects.list(after=an_id(4), limit=2)] == [an_id(3), an_id(2)]
    assert [project.id for project in await projects.list(after=an_id(1), limit=9)] == [an_id(0)]


async def test_the_default_project_is_listed_once(projects):
    """Its id is no time: it stands before all others, and the page after it begins with the newest."""
    for project in (a_project(1), default_project(START), a_project(2)):
        await projects.insert(project)
    assert [project.id for project in await projects.list(limit=2)] == [DEFAULT_PROJECT, an_id(2)]
    assert [project.id for project in await projects.list(after=DEFAULT_PROJECT, limit=9)] == [an_id(2), an_id(1)]


async def test_archived_projects_are_listed_on_demand(projects):
    """Otherwise a page is filled with those that are not."""
    for number in range(6):
        await projects.insert(a_project(number, archived_at=START if number % 2 else None))
    await archive(projects, 0)
    assert [project.id for project in await projects.list(limit=2)] == [an_id(4), an_id(2)]
    assert [project.id for project in await projects.list(after=an_id(4), limit=2)] == [an_id(2)]
    listed = await projects.list(after=an_id(3), limit=9, with_archived=True)
    assert [project.id for project in listed] == [an_id(2), an_id(1), an_id(0)]


async def archive(projects, number):
    stored = await projects.get(an_id(number))
    await projects.replace(msgspec.structs.replace(stored.value, archived_at=START), stored.version)
