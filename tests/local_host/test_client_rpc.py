"""The durable client's routes, driven by the SDK's own client on a live listener."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import azure.durable_functions as df
import httpx
import pytest
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from azure.durable_functions.models.OrchestrationRuntimeStatus import OrchestrationRuntimeStatus as Runtime
from azure.durable_functions.models.utils import http_utils

from local_host.app.function_index import index
from local_host.durable.client_rpc import binding_json, build_rpc
from local_host.durable.engine import Engine
from local_host.durable.history import History
from local_host.http.listener import Listener, bind
from tests.local_host.sample_app.function_app import add_one, build

TOKEN = "a-token"


class InProcess:
    """Runs the sample's one activity here."""

    async def run(self, name: str, input_json: str) -> str:
        assert name == "add_one"
        return json.dumps(await add_one(json.loads(input_json)))


@pytest.fixture
async def listener(tmp_path: Path) -> AsyncIterator[Listener]:
    orchestrators = index(build()).orchestrators
    engine = Engine(
        history=History(tmp_path / "history.db"), orchestrators=orchestrators, activities=InProcess(), activity_slots=8
    )
    await engine.start()
    listener = Listener(build_rpc(engine, TOKEN), bind("127.0.0.1", 0), grace_seconds=1)
    await listener.start()
    yield listener
    await http_utils._close_session()
    await listener.stop()
    await engine.stop(grace_seconds=0.1)


@pytest.fixture
def client(listener: Listener) -> df.DurableOrchestrationClient:
    return df.DurableOrchestrationClient(binding_json(f"{listener.url}/{TOKEN}/"))


async def ended(client: df.DurableOrchestrationClient, instance_id: str) -> DurableOrchestrationStatus:
    """The status once the instance has ended."""
    async with asyncio.timeout(60):
        while True:
            status = await client.get_status(instance_id)
            if status.runtime_status not in (Runtime.Pending, Runtime.Running):
                return status
            await asyncio.sleep(0.02)


async def reaches(client: df.DurableOrchestrationClient, instance_id: str, runtime: Runtime) -> None:
    async with asyncio.timeout(60):
        while True:
            if (await client.get_status(instance_id)).runtime_status is runtime:
                return
            await asyncio.sleep(0.02)


async def test_an_orchestration_started_by_the_client_runs_to_its_output(client) -> None:
    """`start_new` hands over id and input; `get_status` shows name, input, output and times."""
    assert await client.start_new("count_up", "b1", {"steps": 3, "seconds": 0}) == "b1"
    status = await ended(client, "b1")
    assert (status.name, status.instance_id, status.runtime_status) == ("count_up", "b1", Runtime.Completed)
    assert (status.input_, status.output) == ('{"steps": 3, "seconds": 0}', 3)
    assert abs(datetime.now(UTC) - status.created_time) < timedelta(seconds=10)


async def test_an_id_is_made_when_none_is_given(client) -> None:
    """Two starts without an id are two instances."""
    first, second = [await client.start_new("count_up", client_input={"steps": 0, "seconds": 0}) for _ in range(2)]
    assert first != second
    assert (await ended(client, second)).output == 0


async def test_an_unknown_orchestrator_is_named(client) -> None:
    """The client raises with the engine's sentence."""
    with pytest.raises(Exception, match="'absent'"):
        await client.start_new("absent")


async def test_a_running_id_cannot_be_started_again(client) -> None:
    """Dedup by id covers what has not ended."""
    await client.start_new("wait_for_go", "once")
    with pytest.raises(Exception, match="already exists"):
        await client.start_new("wait_for_go", "once")


async def test_an_ended_id_can_be_started_again(client) -> None:
    """The new instance replaces the ended one."""
    for steps in (1, 2):
        await client.start_new("count_up", "again", {"steps": steps, "seconds": 0})
        assert (await ended(client, "again")).output == steps


@pytest.mark.parametrize("instance_id", ["@a", "a%23b", "a%5Cb", "a%3Fb", "x" * 101])
async def test_an_id_the_platform_refuses_is_refused(client, instance_id) -> None:
    """What works here must work there."""
    with pytest.raises(Exception, match="instance id"):
        await client.start_new("wait_for_go", instance_id)


async def test_a_version_is_not_emulated(client) -> None:
    """It is refused by name."""
    with pytest.raises(Exception, match="does not emulate versions"):
        await client.start_new("count_up", version="1.2")


async def test_a_missing_instance_has_a_falsy_status(client) -> None:
    """As on the platform."""
    assert not await client.get_status("absent")


async def test_the_input_can_be_left_out_of_a_status(listener, client) -> None:
    """`showInput=False` hides it; otherwise it is the JSON text that the client sent, as on the platform."""
    await client.start_new("wait_for_go", "w", {"secret": 1})
    async with httpx.AsyncClient(base_url=f"{listener.url}/{TOKEN}/", timeout=60) as plain:
        assert (await plain.get("instances/w?showInput=False")).json()["input"] is None
        assert (await plain.get("instances/w?showInput=True")).json()["input"] == '{"secret": 1}'


async def test_events_reach_a_waiting_instance_as_a_json_string(client) -> None:
    """The orchestrator gets the JSON text of the event's data, as on the platform."""
    await client.start_new("wait_for_go", "w")
    await client.raise_event("w", "go", {"now": True})
    assert json.loads((await ended(client, "w")).output) == {"now": True}


async def test_custom_status_is_shown_while_running(client) -> None:
    """It is what the orchestrator set."""
    await client.start_new("wait_for_go", "w")
    await reaches(client, "w", Runtime.Running)
    assert (await client.get_status("w")).custom_status == {"waiting": True}


async def test_terminate_ends_an_instance(client) -> None:
    """Its output is the reason; terminating again is harmless."""
    await client.start_new("wait_for_go", "w")
    await client.terminate("w", "had enough & more")
    status = await ended(client, "w")
    assert (status.runtime_status, status.output) == (Runtime.Terminated, "had enough & more")
    await client.terminate("w", "again")


async def test_a_suspended_instance_waits_for_resume(client) -> None:
    """An event that came meanwhile counts afterwards."""
    await client.start_new("wait_for_go", "w")
    await reaches(client, "w", Runtime.Running)
    await client.suspend("w", "lunch")
    await client.raise_event("w", "go", 1)
    await reaches(client, "w", Runtime.Suspended)
    await client.resume("w", "back")
    assert (await ended(client, "w")).runtime_status is Runtime.Completed


@pytest.mark.parametrize("call", ["raise_event", "terminate", "suspend", "resume", "rewind"])
async def test_a_missing_instance_cannot_be_addressed(client, call) -> None:
    """Each call raises and names the id."""
    with pytest.raises(Exception, match="absent"):
        await getattr(client, call)("absent", "x")


async def test_an_ended_instance_hears_no_events(client) -> None:
    """The client raises that the instance is gone."""
    await client.start_new("count_up", "done", {"steps": 0, "seconds": 0})
    await ended(client, "done")
    with pytest.raises(Exception, match="gone"):
        await client.raise_event("done", "go")


async def test_statuses_are_listed_by_prefix_status_and_time(client) -> None:
    """Every filter of the client narrows the list."""
    for instance_id, steps in (("a-1", 0), ("a-2", 1), ("b-1", 0)):
        await client.start_new("count_up", instance_id, {"steps": steps, "seconds": 0})
        await ended(client, instance_id)
    await client.start_new("wait_for_go", "a-3")

    async def ids(**filters: object) -> set[str]:
        return {status.instance_id for status in await client.get_status_by(**filters)}

    assert {status.instance_id for status in await client.get_status_all()} == {"a-1", "a-2", "a-3", "b-1"}
    assert await ids(instance_id_prefix="a-", runtime_status=[Runtime.Completed]) == {"a-1", "a-2"}
    assert await ids(runtime_status=[Runtime.Canceled]) == set()
    assert await ids(created_time_from=datetime.now(UTC) + timedelta(hours=1)) == set()
    assert await ids(created_time_to=datetime.now(UTC) + timedelta(hours=1), instance_id_prefix="b") == {"b-1"}


async def test_purge_forgets_one_ended_instance(client) -> None:
    """It is missing afterwards; purging what is missing deletes nothing."""
    await client.start_new("count_up", "p", {"steps": 0, "seconds": 0})
    await ended(client, "p")
    assert (await client.purge_instance_history("p")).instances_deleted == 1
    assert not await client.get_status("p")
    assert (await client.purge_instance_history("p")).instances_deleted == 0


async def test_purge_of_a_running_instance_is_refused(listener, client) -> None:
    """412 with the platform's sentence."""
    await client.start_new("wait_for_go", "w")
    await reaches(client, "w", Runtime.Running)
    async with httpx.AsyncClient(base_url=f"{listener.url}/{TOKEN}/", timeout=60) as plain:
        answer = await plain.delete("instances/w")
    assert answer.status_code == 412
    assert answer.json() == (
        "Only orchestrations in a terminal state can be purged, "
        "but the orchestration with instance ID w has status Running"
    )


async def test_what_did_not_fail_cannot_be_rewound(client) -> None:
    """The client raises with the platform's sentence."""
    await client.start_new("wait_for_go", "w")
    await reaches(client, "w", Runtime.Running)
    with pytest.raises(Exception, match="This orchestration has status Running, but only orchestrations"):
        await client.rewind("w", "r")


async def test_an_instance_can_be_restarted(listener, client) -> None:
    """Under a new id unless told otherwise, with the input it had; while it runs its own id is refused."""
    await client.start_new("count_up", "r", {"steps": 2, "seconds": 0})
    await ended(client, "r")
    new_id = (await client.restart("r"))["id"]
    assert new_id != "r"
    assert (await ended(client, new_id)).output == 2
    await client.start_new("wait_for_go", "w")
    async with httpx.AsyncClient(base_url=f"{listener.url}/{TOKEN}/instances/", timeout=60) as plain:
        taken = await plain.post("w/restart?restartWithNewInstanceId=false")
        missing = await plain.post("absent/restart")
    assert (taken.status_code, missing.status_code) == (409, 400)
    assert missing.json()["ExceptionMessage"] == "No instance with ID 'absent' was found. (Parameter 'instanceId')"


async def test_purge_by_forgets_every_ended_instance_that_matches(client) -> None:
    """Running instances stay."""
    for instance_id in ("p1", "p2"):
        await client.start_new("count_up", instance_id, {"steps": 0, "seconds": 0})
        await ended(client, instance_id)
    await client.start_new("wait_for_go", "w")
    result = await client.purge_instance_history_by(
        datetime.fromtimestamp(0, UTC), datetime.now(UTC) + timedelta(hours=1), [Runtime.Completed, Runtime.Running]
    )
    assert result.instances_deleted == 2
    assert [status.instance_id for status in await client.get_status_all()] == ["w"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "entities/Counter/k1?op=add"),
        ("GET", "entities/Counter/k1"),
    ],
)
async def test_what_is_not_emulated_answers_501_and_says_so(listener, method, path) -> None:
    """The text names the call."""
    async with httpx.AsyncClient(base_url=f"{listener.url}/{TOKEN}/", timeout=60) as plain:
        response = await plain.request(method, path)
    assert response.status_code == 501
    assert "does not emulate" in response.json()
    assert path.split("?")[0] in response.json()


@pytest.mark.parametrize("path", ["instances/", "wrong/instances/", "a-tokenx/instances/", ""])
async def test_without_the_token_nothing_answers(listener, path) -> None:
    """A wrong token and a missing one look like nothing at all."""
    async with httpx.AsyncClient(base_url=listener.url, timeout=60) as plain:
        response = await plain.get(path)
    assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize(("peer", "status"), [("127.0.0.1", 200), ("::1", 200), ("10.0.0.7", 404)])
async def test_only_this_machine_is_answered(tmp_path, peer, status) -> None:
    """A peer that is not loopback is refused although it knows the token."""
    engine = Engine(
        history=History(tmp_path / "history.db"), orchestrators={}, activities=InProcess(), activity_slots=8
    )
    await engine.start()
    transport = httpx.ASGITransport(build_rpc(engine, TOKEN), client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as plain:
        assert (await plain.get(f"/{TOKEN}/instances/")).status_code == status
    await engine.stop()
