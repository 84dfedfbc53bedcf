"""Every sentence of `AuditLog`, against every implementation."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.ids import new_id
from shared.domain.keys.audit import Actor, ActorKind, AuditFilter
from shared.ports.base import AlreadyExists
from tests.contracts.samples import START, an_audit_event, an_id

ANY = AuditFilter()
MONTHS = [
    datetime(*year_and_month, 15, tzinfo=UTC) for year_and_month in ((2025, 11), (2025, 12), (2026, 1), (2026, 3))
]


def numbers(events):
    return [round((event.at - START).total_seconds()) for event in events]


async def append(audit_log, *events):
    for event in events:
        await audit_log.append(event)


@pytest.fixture
async def ten(audit_log):
    """Ten events, appended in no order."""
    await append(audit_log, *(an_audit_event(number) for number in (3, 1, 4, 0, 5, 9, 2, 6, 8, 7)))
    return audit_log


async def test_an_event_reads_back_as_it_was(audit_log):
    """Every field; its time is that of its id."""
    event = an_audit_event(
        1,
        actor=Actor(kind=ActorKind.BOOTSTRAP_KEY, name="Schlüssel"),
        project_id=None,
        resource_id=None,
        details={"name": "Größe", "": ""},
    )
    await audit_log.append(event)
    assert await audit_log.list(ANY, limit=9) == [event]
    assert event.at == START.replace(microsecond=123_000) + timedelta(seconds=1)


async def test_an_id_is_written_once(audit_log):
    """AlreadyExists, and the first event stays."""
    await audit_log.append(an_audit_event(1))
    with pytest.raises(AlreadyExists):
        await audit_log.append(an_audit_event(1, type="project.archived"))
    assert await audit_log.list(ANY, limit=9) == [an_audit_event(1)]


async def test_events_of_all_processes_are_there(audit_log, others):
    """Appended at once."""
    both = (audit_log, others.audit_log)
    await asyncio.gather(*(both[number % 2].append(an_audit_event(number)) for number in range(10)))
    assert numbers(await audit_log.list(ANY, limit=99)) == list(range(9, -1, -1))


async def test_pages_go_back_in_time(ten):
    """Newest first, strictly past `after`, which is a position, at most `limit`."""
    assert numbers(await ten.list(ANY, limit=4)) == [9, 8, 7, 6]
    assert numbers(await ten.list(ANY, after=an_id(6), limit=4)) == [5, 4, 3, 2]
    assert numbers(await ten.list(ANY, after=an_id(2), limit=4)) == [1, 0]
    assert await ten.list(ANY, after=an_id(0), limit=4) == []
    assert numbers(await ten.list(ANY, after=an_id(99), limit=1)) == [9]


async def test_pages_go_forth_again(ten):
    """`before` gives the page that came before: next to the id, newest first."""
    assert numbers(await ten.list(ANY, before=an_id(2), limit=4)) == [6, 5, 4, 3]
    assert numbers(await ten.list(ANY, before=an_id(7), limit=4)) == [9, 8]
    assert await ten.list(ANY, before=an_id(9), limit=4) == []


async def test_after_and_before_are_a_span(ten):
    """Both exclusive; those next to `after`."""
    assert numbers(await ten.list(ANY, after=an_id(8), before=an_id(2), limit=3)) == [7, 6, 5]
    assert await ten.list(ANY, after=an_id(3), before=an_id(2), limit=3) == []


@pytest.mark.parametrize("position", ["f" * 32, "0" * 32])
async def test_any_id_is_a_position(ten, position):
    """Also of a year that no date has."""
    everything, nothing = list(range(9, -1, -1)), []
    is_last = position[0] == "f"
    assert numbers(await ten.list(ANY, after=position, limit=10)) == (everything if is_last else nothing)
    assert numbers(await ten.list(ANY, before=position, limit=10)) == (nothing if is_last else everything)


async def test_what_is_no_id_finds_nothing(ten):
    """It is no position, in either direction."""
    assert await ten.list(ANY, after="audit_1", limit=10) == await ten.list(ANY, before="", limit=10) == []


async def test_a_time_bounds_the_list(ten):
    """From `since` on, up to and without `until`."""
    wanted = AuditFilter(since=START + timedelta(seconds=3), until=START + timedelta(seconds=7))
    assert numbers(await ten.list(wanted, limit=10)) == [6, 5, 4, 3]
    assert numbers(await ten.list(wanted, after=an_id(5), limit=10)) == [4, 3]
    assert numbers(await ten.list(wanted, before=an_id(4), limit=1)) == [5]
    assert await ten.list(AuditFilter(until=START), limit=10) == []
    assert await ten.list(AuditFilter(since=START + timedelta(seconds=10)), limit=10) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"types": ["project.archived", "unheard.of"]}, [4, 1]),
        ({"project_ids": ["project-b"]}, [3]),
        ({"project_ids": ["project-b", "project-a"]}, [4, 3, 2, 1]),
        ({"actor_ids": [an_id(501)]}, [2]),
        ({"resource_ids": [an_id(7)]}, [1]),
        ({"types": ["project.archived"], "resource_ids": ["project-a"]}, [4]),
        ({"types": ["unheard.of"]}, []),
        ({"types": [*(f"t{n}" for n in range(30)), "project.archived"], "project_ids": ["project-a", "p"]}, [4, 1]),
        ({"types": [*(f"t{n}" for n in range(7)), "project.archived"], "resource_ids": ["1", "2", "project-a"]}, [4]),
        ({"types": [*(f"t{n}" for n in range(7)), "project.archived"], "resource_ids": ["1", "2", "3", an_id(7)]}, [1]),
    ],
)
async def test_a_list_is_narrowed(audit_log, wanted, expected):
    """By each of the four, one of the values being enough, and by all that are given together."""
    await append(
        audit_log,
        an_audit_event(1, type="project.archived", resource_id=an_id(7)),
        an_audit_event(2, actor=Actor(kind=ActorKind.API_KEY, name="other", id=an_id(501))),
        an_audit_event(3, project_id="project-b"),
        an_audit_event(4, type="project.archived"),
        an_audit_event(5, project_id=None, actor=Actor(kind=ActorKind.BOOTSTRAP_KEY, name="bootstrap key")),
    )
    assert numbers(await audit_log.list(AuditFilter(**wanted), limit=10)) == expected
    assert numbers(await audit_log.list(AuditFilter(**wanted), limit=1)) == expected[:1]
    back = await audit_log.list(AuditFilter(**wanted), before=an_id(0), limit=1)
    assert numbers(back) == expected[-1:]


async def test_a_list_goes_on_from_month_to_month(audit_log):
    """Over the turn of a year and over a month without events, in both directions."""
    made = [an_audit_event(id=new_id(at, bytes(10))) for at in MONTHS]
    await append(audit_log, *made)
    assert await audit_log.list(ANY, limit=9) == made[::-1]
    assert await audit_log.list(ANY, after=made[2].id, limit=9) == [made[1], made[0]]
    assert await audit_log.list(ANY, before=made[1].id, limit=1) == [made[2]]
    assert await audit_log.list(AuditFilter(since=MONTHS[1], until=MONTHS[3]), limit=9) == [made[2], made[1]]


async def test_a_long_list_has_every_event_once(audit_log):
    """More than the back ends read at once."""
    await asyncio.gather(*(audit_log.append(an_audit_event(number)) for number in range(403)))
    pages = [await audit_log.list(ANY, after=after, limit=300) for after in (None, an_id(103))]
    assert numbers(pages[0] + pages[1]) == list(range(402, -1, -1))
    wanted = AuditFilter(resource_ids=["none"])
    assert await audit_log.list(wanted, limit=1) == []
