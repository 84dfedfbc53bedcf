"""The local host answers what the real durable extension answers: each fact is asked of both hosts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bench.programs import Program
from tests import core_tools
from tests.azure_host.durable_host import DurableHost, bones, first_sentence

APP = Path(__file__).parent / "semantics_app"
FAILS = "Orchestrator function 'fails' failed: "
ACTIVITY = [
    "Activity function 'boom' failed: ",
    "System.Exception",
    "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException",
    "System.Collections.ListDictionaryInternal",
]


def local_host(folder: Path) -> Program:
    app = "tests.azure_host.semantics_app.function_app"
    arguments = ["local_host", "--port", "0", "--data", str(folder / "data"), "--workers", "1", "--app", app]
    return Program(arguments, folder / "host.log", {"SEMANTICS_FOLDER": str(folder)})


def functions_host(folder: Path) -> Program:
    if reason := core_tools.missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    arguments = ["tests.azure_host.on_core_tools", str(APP), str(folder), "client"]
    return Program(arguments, folder / "host.log", {"SEMANTICS_FOLDER": str(folder), **core_tools.LAUNCHER_PATH})


@pytest.fixture(scope="module", params=[local_host, functions_host], ids=["local host", "functions host"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableHost]:
    folder = tmp_path_factory.mktemp("host")
    program = request.param(folder)
    program.start(330.0)
    yield DurableHost(rpc=httpx.get(f"{program.url}/client", timeout=60).json()["rpc"], folder=folder)
    program.stop()


def test_start(host: DurableHost) -> None:
    """Input and output show as JSON text and as JSON; a running id is refused, an ended one taken again."""
    assert host.run("echoes", "s1", {"a": 1}) == ("Completed", {"a": 1})
    assert host.status("s1")["input"] == '{"a": 1}'
    assert host.run("echoes", "s1", "again") == ("Completed", "again")
    assert host.start("waits", "s2") == 202
    host.reaches("s2", "Running")
    assert host.start("waits", "s2") == 409


def test_activity_with_a_client(host: DurableHost) -> None:
    """It starts another orchestration."""
    assert host.run("starts_other", "c1", "c2") == ("Completed", "c2")
    assert host.ended("c2") == ("Completed", 5)


def test_unknown_instance(host: DurableHost) -> None:
    """404 for whatever one does to it, but 400 to restart it."""
    acts = ("terminate?reason=r", "suspend?reason=r", "resume?reason=r", "rewind?reason=r", "restart")
    assert [host.code("nobody", act) for act in acts] == [404, 404, 404, 404, 400]
    assert (host.send("nobody", 1), host.purge("nobody")[0], host.status("nobody")) == (404, 404, {})


def test_purge(host: DurableHost) -> None:
    """A running instance is refused with a sentence."""
    host.start("waits", "p1")
    host.reaches("p1", "Running")
    refusal = (
        "Only orchestrations in a terminal state can be purged, "
        "but the orchestration with instance ID p1 has status Running"
    )
    assert host.purge("p1") == (412, refusal)
    host.run("echoes", "p2", 1)
    assert host.purge("p2") == (200, {"instancesDeleted": 1})
    assert (host.purge("p2")[0], host.status("p2")) == (404, {})


def test_suspend(host: DurableHost) -> None:
    """What comes meanwhile waits; reasons show as the output; twice is a fault."""
    host.start("waits", "u1")
    host.reaches("u1", "Running")
    assert host.code("u1", "suspend?reason=lunch") == 202
    assert host.reaches("u1", "Suspended") == ("Suspended", "lunch")
    assert host.act("u1", "suspend?reason=again") == (
        500,
        "Cannot suspend the orchestration instance u1 because instance is in the Suspended state.",
    )
    assert host.send("u1", "here") == 202
    assert host.code("u1", "resume?reason=back") == 202
    assert host.ended("u1")[0] == "Completed"
    assert host.code("u1", "resume?reason=again") == 410


def test_terminate(host: DurableHost) -> None:
    """It ends with the reason, its child lives on, and nothing more can be done to it."""
    host.start("relies", "t1", {"name": "waits", "id": "t1:child"})
    host.reaches("t1:child", "Running")
    assert host.code("t1", "terminate?reason=enough") == 202
    assert host.ended("t1") == ("Terminated", "enough")
    acts = ("terminate?reason=r", "suspend?reason=r", "resume?reason=r", "rewind?reason=r")
    assert [host.code("t1", act) for act in acts] == [410, 410, 410, 412]
    assert host.send("t1", 1) == 410
    assert host.status("t1:child")["runtimeStatus"] == "Running"


def test_terminated_child(host: DurableHost) -> None:
    """Its parent fails with the reason, and no details."""
    host.start("relies", "t2", {"name": "waits", "id": "t2:child"})
    host.reaches("t2:child", "Running")
    host.code("t2:child", "terminate?reason=no%20more")
    assert host.ended("t2") == ("Failed", "Orchestrator function 'relies' failed: no more \n None")


def test_failing_activity(host: DurableHost) -> None:
    """One sentence, then a serialised exception with another inside."""
    status, output = host.run("fails", "f1")
    assert status == "Failed"
    assert first_sentence(output) == f"{FAILS}Activity function 'boom' failed: ValueError: nope"
    assert bones(output) == [FAILS, *ACTIVITY]


def test_failing_child(host: DurableHost) -> None:
    """The parent's sentence around the child's around the activity's, and all of it twice."""
    _, output = host.run("relies", "f2", {"name": "fails", "id": "f2:child"})
    relies = "Orchestrator function 'relies' failed: "
    assert bones(output) == [relies, FAILS, *ACTIVITY, "Message: ", *ACTIVITY, "StackTrace: "]
    status, caught = host.run("adopts", "f3", {"name": "fails", "id": "f3:child"})
    assert (status, bones(caught)) == ("Completed", [FAILS, *ACTIVITY, "Message: ", *ACTIVITY, "StackTrace: "])


def test_mistaken_orchestrator(host: DurableHost) -> None:
    """Its own mistake is one sentence; its parent sees that twice."""
    assert host.run("mistaken", "f4") == ("Failed", "Orchestrator function 'mistaken' failed: own mistake")
    _, caught = host.run("adopts", "f5", {"name": "mistaken", "id": "f5:child"})
    assert caught.startswith(
        "Orchestrator function 'mistaken' failed: own mistake \n Message: own mistake, StackTrace:    at "
    )


def test_rewind(host: DurableHost) -> None:
    """What failed runs again; rewound before it is mended it fails as before."""
    before = host.run("fragile", "r1")
    assert host.code("r1", "rewind?reason=early") == 202
    time.sleep(1)
    status, output = host.ended("r1")
    assert (status, first_sentence(output)) == ("Failed", first_sentence(before[1]))
    host.mend("r1")
    host.code("r1", "rewind?reason=mended")
    assert host.reaches("r1", "Completed")[1] == [1, "fine"]
    assert host.act("r1", "rewind?reason=again") == (
        412,
        'This orchestration has status Completed, but only orchestrations in the "Failed" state can be rewound.',
    )


def test_rewind_with_a_child(host: DurableHost) -> None:
    """The child goes on and its parent gets its answer."""
    assert host.run("relies", "r2", {"name": "fragile", "id": "r2:child"})[0] == "Failed"
    host.mend("r2:child")
    host.code("r2", "rewind?reason=mended")
    assert host.reaches("r2", "Completed")[1] == [1, "fine"]
    assert host.ended("r2:child")[0] == "Completed"


def test_rewind_after_a_timer(host: DurableHost) -> None:
    """What answered a failure with a timer fails for good."""
    before = host.run("persistent", "r3")
    host.mend("r3")
    host.code("r3", "rewind?reason=mended")
    found = host.until("r3", lambda found: found["runtimeStatus"] == "Failed" and found["output"] != before[1])
    assert found["output"] == (
        "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled a timer task with "
        "sequence number 1 but the current replay execution hasn't (yet?) scheduled this task. Was a change made to "
        "the orchestrator code after this instance had already started running?"
    )


def test_an_old_failure_shows_until_there_is_another_output(host: DurableHost) -> None:
    """After a rewind that ends without one, and in a child that replaces; not after a start by id."""
    failure = "Activity function 'flaky' failed: ValueError: not mended"
    host.run("quiet", "o1")
    host.run("adopts", "o2", {"name": "quiet", "id": "o2:child"})
    for mended in ("o1", "o2:child"):
        host.mend(mended)
    host.code("o1", "rewind?reason=mended")
    assert failure in host.reaches("o1", "Completed")[1]
    host.run("adopts", "o3", {"name": "quiet", "id": "o2:child"})
    assert failure in host.reaches("o2:child", "Completed")[1]
    assert host.run("quiet", "o2:child") == ("Completed", None)


def test_restart(host: DurableHost) -> None:
    """The same again under a new id, unless its own is asked for, which must have ended."""
    host.run("echoes", "n1", 7)
    code, body = host.act("n1", "restart")
    assert (code, host.ended(body["id"])) == (202, ("Completed", 7))
    assert body["id"] != "n1"
    code, body = host.act("n1", "restart?restartWithNewInstanceId=false")
    assert (code, body["id"], host.ended("n1")) == (202, "n1", ("Completed", 7))
    host.start("waits", "n2")
    host.reaches("n2", "Running")
    assert host.code("n2", "restart?restartWithNewInstanceId=false") == 409


def test_child_of_a_running_id(host: DurableHost) -> None:
    """It replaces what runs, whose result is dropped and whose parent is never answered. Events are JSON text."""
    asked = {"log": "replaced", "count": 1, "seconds": 6}
    host.start("relies", "x1", {"name": "naps", "id": "shared", "input": asked})
    host.until("shared", lambda _: (host.folder / "replaced").exists())
    host.start("relies", "x2", {"name": "waits", "id": "shared"})
    host.until("shared", lambda found: found["name"] == "waits" and found["runtimeStatus"] == "Running")
    host.until("shared", lambda _: "end" in (host.folder / "replaced").read_text())
    time.sleep(0.5)
    assert host.send("shared", "mine") == 202
    assert host.ended("x2") == ("Completed", '"mine"')
    assert host.status("x1")["runtimeStatus"] == "Running"


def test_slots(host: DurableHost) -> None:
    """Two slots for the whole host: what is short waits behind what is long."""
    host.start("naps", "large", {"log": "slots", "count": 4, "seconds": 1})
    host.until("large", lambda _: (host.folder / "slots").exists())
    host.start("naps", "small", {"log": "slots", "count": 1, "seconds": 0})
    for instance_id in ("large", "small"):
        host.ended(instance_id)
    lines = (host.folder / "slots").read_text().splitlines()
    running = [sum(1 if line.startswith("begin") else -1 for line in lines[: n + 1]) for n in range(len(lines))]
    assert max(running) == 2
    assert "end large" in "\n".join(lines[: lines.index("begin small-0")])


def test_timeout_and_end_of_a_worker(host: DurableHost) -> None:
    """`functionTimeout` fails the activity and takes the worker, and so its neighbour. Last, for what it does."""
    host.start("naps", "long", {"log": "long", "count": 1, "seconds": 60})
    host.until("long", lambda _: (host.folder / "long").exists())
    time.sleep(2)
    host.start("naps", "near", {"log": "near", "count": 1, "seconds": 60})
    _, long = host.ended("long", 60)
    _, near = host.ended("near", 60)
    assert first_sentence(long) == (
        "Activity function 'nap' failed: Timeout value of 00:00:10 was exceeded by function: nap"
    )
    # The functions host may notice the end of the connection before that of the process.
    assert first_sentence(near) in (
        "Activity function 'nap' failed: python exited with code 137 (0x89)",
        "Activity function 'nap' failed: The worker's connection ended.",
    )
    assert bones(near)[1] == "Microsoft.Azure.WebJobs.Script.Workers.WorkerProcessExitException"
