"""What may be done to instances from outside, and what became of them: the real extension's answers, each seen there."""

from __future__ import annotations

import asyncio
import json

import pytest

from local_host.durable.instance import RuntimeStatus
from local_host.durable.refusals import InstanceEnded, InstanceExists, InstanceMissing, SteeredTwice, WrongStatus
from tests.local_host.orchestrations import ORCHESTRATORS


async def test_terminate_ends_now_and_does_not_cascade(host):
    """A terminated instance is over with its reason; its children go on."""
    await host.engine.start_new("lanes", "b1", "400")
    await host.settled("b1", RuntimeStatus.RUNNING)
    await host.engine.terminate("b1", "user asked")

    status = await host.engine.status("b1")
    assert (RuntimeStatus.TERMINATED, '"user asked"') == (status.runtime_status, status.output_json)
    assert not (await host.engine.status("b1:lane:0")).is_ended


async def test_terminated_child_fails_in_its_parent(host):
    """The parent of a terminated child sees a failure with the reason."""
    host.orchestrators["child"] = ORCHESTRATORS["wait_for_cancel"]
    host.orchestrators["parent"] = ORCHESTRATORS["lanes"]
    host.orchestrators["lane"] = ORCHESTRATORS["wait_for_cancel"]
    await host.restart()
    await host.engine.start_new("parent", "b1", "1")
    for name in ("b1:lane:0", "b1:lane:1"):
        await host.settled(name, RuntimeStatus.RUNNING)
    await host.engine.terminate("b1:lane:0", "no more")
    await host.engine.terminate("b1:lane:1", "no more")

    assert "no more" in (await host.ended()).output_json


async def test_suspended_instance_hears_nothing_until_resumed(host):
    """Messages wait for a suspended instance, and are all there when it resumes."""
    await host.engine.start_new("two_events", "b1", None)
    await host.settled("b1", RuntimeStatus.RUNNING)
    await host.engine.suspend("b1", "pause")
    await host.engine.raise_event("b1", "go", "1")
    await asyncio.sleep(0.05)

    status = await host.engine.status("b1")
    assert (RuntimeStatus.SUSPENDED, '"pause"') == (status.runtime_status, status.output_json)
    with pytest.raises(SteeredTwice, match="Cannot suspend the orchestration instance b1 because"):
        await host.engine.suspend("b1")
    await host.engine.resume("b1")
    with pytest.raises(SteeredTwice, match="Cannot resume"):
        await host.engine.resume("b1")
    await asyncio.sleep(0.05)
    await host.engine.raise_event("b1", "go", "2")
    assert ["1", "2"] == json.loads((await host.ended()).output_json)


STEERING = [
    lambda engine: engine.raise_event("b1", "go", "1"),
    lambda engine: engine.terminate("b1"),
    lambda engine: engine.suspend("b1"),
    lambda engine: engine.resume("b1"),
]


@pytest.mark.parametrize("steer", STEERING)
async def test_missing_instance_cannot_be_steered(host, steer):
    """Steering an id nobody started says so."""
    with pytest.raises(InstanceMissing, match="'b1'"):
        await steer(host.engine)


@pytest.mark.parametrize("steer", STEERING)
async def test_ended_instance_cannot_be_steered(host, steer):
    """Steering an ended instance says so."""
    await host.run("sequence", "1")

    with pytest.raises(InstanceEnded, match="'b1' has ended"):
        await steer(host.engine)


async def test_purge_forgets_ended_instances_only(host):
    """Purging a running id is refused in the platform's words, an unknown one is missing; an ended one is gone."""
    await host.engine.start_new("wait_for_cancel", "running", None)
    await host.settled("running", RuntimeStatus.RUNNING)
    await host.run("sequence", "1")

    with pytest.raises(WrongStatus, match="instance ID running has status Running"):
        await host.engine.purge("running")
    with pytest.raises(InstanceMissing, match="'unknown'"):
        await host.engine.purge("unknown")
    await host.engine.purge("b1")
    assert await host.engine.status("b1") is None


@pytest.mark.parametrize(("statuses", "left"), [(None, {"running"}), (["Failed", "Running"], {"running", "good"})])
async def test_purge_by_forgets_what_matches(host, statuses, left):
    """Purging by status spares what does not match, and whatever has not ended."""
    await host.engine.start_new("wait_for_cancel", "running", None)
    await host.engine.start_new("sequence", "good", "1")
    await host.engine.start_new("uncaught", "bad", None)
    for name in ("good", "bad"):
        await host.ended(name)

    assert 3 - len(left) == await host.engine.purge_by(statuses=statuses)
    assert left == {one.instance_id for one in await host.engine.list_statuses()}


async def test_child_of_a_running_id_replaces_it(host):
    """What ran is forgotten with its history and its activity's result; its parent is never answered."""
    await host.engine.start_new("relies", "first", '["patient", "shared"]')
    await host.activities.began.wait()
    await host.engine.start_new("relies", "second", '["wait_for_cancel", "shared"]')
    await host.reads("shared", "wait_for_cancel", RuntimeStatus.RUNNING)
    host.activities.release.set()
    await asyncio.sleep(0.05)

    assert (await host.engine.status("shared")).runtime_status is RuntimeStatus.RUNNING
    await host.engine.raise_event("shared", "cancel", "1")
    assert {"got": "1", "type": "str"} == json.loads((await host.ended("second")).output_json)
    assert (await host.engine.status("first")).runtime_status is RuntimeStatus.RUNNING


async def test_replaced_child_lends_its_output(host):
    """A child that ends without an output goes on showing the failure of the one it replaced; a start by id does not."""
    await host.engine.start_new("adopts", "b1", '["quiet", "child"]')
    await host.ended()
    failure = (await host.engine.status("child")).output_json
    host.activities.mended = True
    await host.engine.start_new("adopts", "b2", '["quiet", "child"]')
    await host.ended("b2")

    child = await host.engine.status("child")
    assert (RuntimeStatus.COMPLETED, failure) == (child.runtime_status, child.output_json)
    await host.engine.start_new("quiet", "child", None)
    assert (await host.ended("child")).output_json is None


async def test_child_of_its_parents_own_id_fails(host):
    """It could only replace the one that asks for it."""
    await host.engine.start_new("adopts", "b1", '["quiet", "b1"]')

    assert "'b1' is that of the orchestration itself" in (await host.ended()).output_json


async def test_rewound_instance_goes_on_from_before_its_failure(host):
    """What was complete is not run again; what failed is."""
    await host.run("fragile")
    host.activities.mended = True
    await host.engine.rewind("b1", "mended")

    assert [1, "fine"] == json.loads((await host.ended()).output_json)
    assert ["w", "flaky", "flaky"] == [name for name, _ in host.activities.ran]


async def test_rewound_instance_can_fail_again(host):
    """Rewinding what is not mended fails as before, and can be done again."""
    before = (await host.run("fragile")).output_json
    await host.engine.rewind("b1")

    assert before == (await host.ended()).output_json
    host.activities.mended = True
    await host.engine.rewind("b1")
    assert (await host.ended()).runtime_status is RuntimeStatus.COMPLETED


async def test_rewind_reaches_failed_children(host):
    """The child is rewound, not started again, and its parent gets its answer."""
    await host.engine.start_new("relies", "b1", '["fragile", "child"]')
    assert (await host.ended()).runtime_status is RuntimeStatus.FAILED
    host.activities.mended = True
    await host.engine.rewind("b1")

    assert [1, "fine"] == json.loads((await host.ended()).output_json)
    assert (await host.engine.status("child")).runtime_status is RuntimeStatus.COMPLETED
    assert 1 == host.activities.ran.count(("w", "1"))


async def test_rewind_breaks_what_answered_a_failure_with_a_timer(host):
    """The timer stays in the history and follows from nothing: the platform's sentence, with nothing before it."""
    await host.run("persistent")
    host.activities.mended = True
    await host.engine.rewind("b1")

    assert json.loads((await host.ended()).output_json) == (
        "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled a timer task with "
        "sequence number 1 but the current replay execution hasn't (yet?) scheduled this task. Was a change made to "
        "the orchestrator code after this instance had already started running?"
    )


async def test_only_failed_instances_are_rewound(host):
    """Others are refused in the platform's words."""
    await host.run("sequence", "1")

    with pytest.raises(WrongStatus, match='has status Completed, but only orchestrations in the "Failed" state'):
        await host.engine.rewind("b1")
    with pytest.raises(InstanceMissing, match="'nobody'"):
        await host.engine.rewind("nobody")


async def test_rewind_without_its_child_changes_nothing(host):
    """A failed child that was purged cannot be rewound, and so its parent is left as it was."""
    before = await failed_parent(host)
    await host.engine.purge("child")

    with pytest.raises(InstanceMissing, match="'child' to rewind"):
        await host.engine.rewind("b1")
    assert before == await host.engine.status("b1")


async def failed_parent(host):
    await host.engine.start_new("relies", "b1", '["fragile", "child"]')
    return await host.ended()


async def test_restart_runs_the_same_again(host):
    """Under a new id, or its own once it has ended."""
    await host.run("sequence", "3")
    other = await host.engine.restart("b1")
    again = await host.engine.restart("b1", with_new_id=False)

    assert "6" == (await host.ended(other)).output_json
    assert ("b1", "6") == (again, (await host.ended()).output_json)
    assert other != "b1"


async def test_restart_of_what_runs_needs_a_new_id(host):
    """A second one beside it is allowed, taking its place is not."""
    await host.engine.start_new("wait_for_cancel", "b1", None)

    with pytest.raises(InstanceExists, match="'b1' already exists"):
        await host.engine.restart("b1", with_new_id=False)
    await host.settled(await host.engine.restart("b1"), RuntimeStatus.RUNNING)
    with pytest.raises(InstanceMissing):
        await host.engine.restart("nobody")


async def test_slots_are_for_the_whole_host(host):
    """With two slots two activities run, whoever asked for them; what is short waits behind what is long."""
    host.activity_slots = 2
    await host.restart()
    await host.engine.start_new("several", "large", "5")
    await host.activities.began.wait()
    await host.engine.start_new("sequence", "small", "2")
    await asyncio.sleep(0.05)

    assert [("slow", "0"), ("slow", "1")] == host.activities.ran
    host.activities.release.set()
    await host.ended("small")
    assert [("slow", str(n)) for n in range(5)] + [("double", "0"), ("double", "1")] == host.activities.ran


async def test_nothing_gets_a_slot_after_a_stop(host):
    """What had not begun runs at the next start."""
    host.activity_slots = 1
    await host.restart()
    await host.engine.start_new("several", "b1", "3")
    await host.activities.began.wait()
    asyncio.get_running_loop().call_later(0.1, host.activities.release.set)
    await host.engine.stop(grace_seconds=5)

    assert [("slow", "0")] == host.activities.ran
    await host.start()
    await host.ended()
    assert [("slow", str(n)) for n in range(3)] == host.activities.ran
