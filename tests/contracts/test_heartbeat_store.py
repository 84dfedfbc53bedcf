"""Every sentence of `HeartbeatStore`, against every implementation."""

import asyncio
from datetime import timedelta

import pytest

from shared.ports.base import Changed
from tests.contracts.samples import START, a_heartbeat, an_id


async def test_heartbeats_of_a_deployment(heartbeats):
    """Every lane of every batch under it, and of no other deployment."""
    mine = [a_heartbeat(0), a_heartbeat(1), a_heartbeat(0, batch=1)]
    for heartbeat in [*mine, a_heartbeat(0, deployment="gpt-4o")]:
        await heartbeats.beat(heartbeat)
    assert sorted(await heartbeats.list("gpt-4o-mini"), key=lambda h: (h.batch_id, h.lane)) == mine


async def test_a_lane_has_one_heartbeat(heartbeats):
    """The next beat replaces the one before."""
    for seconds in (0, 3, 6):
        await heartbeats.beat(a_heartbeat(seconds=seconds))
    assert [heartbeat.at for heartbeat in await heartbeats.list("gpt-4o-mini")] == [START + timedelta(seconds=6)]


async def test_heartbeats_of_one_batch(heartbeats):
    """Its lanes under the deployment, and no neighbour's."""
    mine = [a_heartbeat(lane, batch=1) for lane in (0, 1, 12)]
    for heartbeat in [*mine, a_heartbeat(0, batch=0), a_heartbeat(0, batch=2), a_heartbeat(0, deployment="x", batch=1)]:
        await heartbeats.beat(heartbeat)
    found = await heartbeats.list("gpt-4o-mini", an_id(1))
    assert sorted(found, key=lambda h: h.lane) == mine


async def test_one_of_many_claims_a_free_lane(heartbeats):
    """Inserting the heartbeat is up to the first."""
    claims = [heartbeats.claim(a_heartbeat(seconds=seconds), None) for seconds in range(10)]
    lost = [error for error in await asyncio.gather(*claims, return_exceptions=True) if error]
    assert [type(error) for error in lost] == [Changed] * 9
    assert len(await heartbeats.list("gpt-4o-mini")) == 1


async def test_one_of_many_takes_a_lane_over(heartbeats):
    """Replacing a heartbeat works at the version that was read, once."""
    await heartbeats.beat(a_heartbeat())
    stored = await heartbeats.get("gpt-4o-mini", an_id(0), 0)
    assert stored.value == a_heartbeat()
    claims = [heartbeats.claim(a_heartbeat(seconds=seconds), stored.version) for seconds in range(1, 11)]
    lost = [error for error in await asyncio.gather(*claims, return_exceptions=True) if error]
    assert [type(error) for error in lost] == [Changed] * 9


async def test_a_lane_that_beat_meanwhile_is_not_taken_over(heartbeats):
    """Each beat is another version."""
    await heartbeats.beat(a_heartbeat())
    stored = await heartbeats.get("gpt-4o-mini", an_id(0), 0)
    await heartbeats.beat(a_heartbeat(seconds=3))
    with pytest.raises(Changed):
        await heartbeats.claim(a_heartbeat(seconds=4), stored.version)


async def test_a_lane_that_stopped_is_not_taken_over_at_an_old_version(heartbeats):
    """There is nothing to replace."""
    await heartbeats.beat(a_heartbeat())
    stored = await heartbeats.get("gpt-4o-mini", an_id(0), 0)
    await heartbeats.stop(a_heartbeat())
    assert await heartbeats.get("gpt-4o-mini", an_id(0), 0) is None
    with pytest.raises(Changed):
        await heartbeats.claim(a_heartbeat(seconds=4), stored.version)


async def test_stop_removes_the_lane(heartbeats):
    """That lane's, whenever it beat last, and no other's."""
    await heartbeats.beat(a_heartbeat(0, seconds=0))
    await heartbeats.beat(a_heartbeat(1, seconds=0))
    await heartbeats.stop(a_heartbeat(0, seconds=9))
    assert await heartbeats.list("gpt-4o-mini") == [a_heartbeat(1)]


async def test_stop_twice_is_no_error(heartbeats):
    """Nothing happens if there is none."""
    await heartbeats.stop(a_heartbeat())
    await heartbeats.stop(a_heartbeat())


@pytest.mark.parametrize("deployment", ["org/model:v1#2?x", "mistral\\7b", "Ünïcode", "100%", "it's"])
async def test_any_deployment_name_works(heartbeats, deployment):
    """Deployment names may hold any character."""
    await heartbeats.beat(a_heartbeat(deployment=deployment))
    assert await heartbeats.list(deployment) == [a_heartbeat(deployment=deployment)]


async def test_heartbeats_of_an_unknown_deployment_are_none(heartbeats):
    """No rows, no error."""
    assert await heartbeats.list("unknown") == []
