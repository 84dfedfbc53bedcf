"""Records histories of the product's orchestrators: `python -m tests.record_histories`, with `func` on the PATH.

Each course of `tests/courses` is run in Azure's own host, on the real durable extension, and what the extension handed to
the orchestrator last, in each generation, becomes a file in `tests/histories`; `tests/orchestrators` replays them all. A
file that is there is kept: it stands for the runs that are under way somewhere. CONTRIBUTING.md says when one may go.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import httpx
import msgspec

import function_app
from bench.programs import Program
from local_host.durable import sdk
from local_host.durable.events import Event
from local_host.durable.instance import InstanceStatus, RuntimeStatus
from local_host.durable.replay import Action, Reply
from tests import core_tools
from tests.azure_host.durable_host import DurableHost
from tests.courses import COURSES
from tests.local_host.replaying_host import START

FOLDER = Path(__file__).parent / "histories"
HANDLES = {name: df.Orchestrator.create(function) for name, function in function_app.ORCHESTRATORS}
APP = Path(__file__).parent / "azure_host/histories_app"
LONGEST_SECONDS = 400.0
_PATH = re.compile(rb"(?:/[\w.+-]+)+/(?=[\w.-]+\.(?:py|cs)\b)")  # In stack traces: of one machine.


def reply_to(orchestrator: str, instance_id: str, input_json: str | None, history: list[Event]) -> Reply:
    """What the orchestrator's present code answers to a history."""
    instance = InstanceStatus(
        instance_id=instance_id,
        execution_id="exec",
        name=orchestrator,
        runtime_status=RuntimeStatus.RUNNING,
        input_json=input_json,
        created_at=START,
        updated_at=START,
    )
    return sdk.ask(HANDLES[orchestrator], sdk.invocation(instance, history))


def asked(reply: Reply) -> list[Any]:
    """The actions without what may differ from run to run: kinds, names, ids of children, who is in a compound."""
    return [_shape(action) for action in reply.actions[0]] if reply.actions else []


def _shape(action: Action) -> Any:
    if action.compound_actions:
        return [action.action_type.name, [_shape(inner) for inner in action.compound_actions]]
    named = [action.function_name] if action.function_name else []
    return " ".join([action.action_type.name, *named, *([action.instance_id] if action.instance_id else [])])


def record(folder: Path, courses: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The generations of each course: input, history and what the present code asks for, all run at once."""
    environment = {"HISTORIES_FOLDER": str(folder), **core_tools.LAUNCHER_PATH}
    program = Program(["tests.azure_host.on_core_tools", str(APP), str(folder), "client"], folder / "log", environment)
    program.start(150.0)
    try:
        host = DurableHost(rpc=httpx.get(f"{program.url}/client", timeout=60).json()["rpc"], folder=folder)
        for name in courses:
            assert host.start(COURSES[name].orchestrator, name, COURSES[name].input(name)) == 202
        for name in courses:
            status, output = host.ended(name, LONGEST_SECONDS)
            print(f"{status:10} {name}: {output}")  # noqa: T201
    finally:
        program.stop()
    return {name: _generations(name, folder / f"{name}.jsonl") for name in courses}


def _generations(name: str, notes: Path) -> list[dict[str, Any]]:
    bodies = [body for body in map(json.loads, notes.read_text().splitlines()) if body["instanceId"] == name]
    last = {_begin(body["history"]): body for body in bodies}  # of each generation
    orchestrator = COURSES[name].orchestrator
    return [
        {
            "input": _text(body["input"]),
            "history": body["history"],
            "asked": asked(reply_to(orchestrator, name, _text(body["input"]), body["history"])),
        }
        for body in last.values()
    ]


def _begin(history: list[Event]) -> str:
    return next(event["Timestamp"] for event in history if event["EventType"] == 0)


def _text(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given)


def write(file: Path, orchestrator: str, instance_id: str, generations: list[dict[str, Any]]) -> None:
    """One event a line, so that a change can be read."""
    for generation in generations:
        generation["history"] = [msgspec.Raw(json.dumps(event).encode()) for event in generation["history"]]
    content = {"orchestrator": orchestrator, "instance_id": instance_id, "generations": generations}
    text = _PATH.sub(b"", msgspec.json.encode(content))
    file.write_bytes(text.replace(b'{"EventType"', b'\n{"EventType"').replace(b',"asked"', b',\n"asked"') + b"\n")


def main() -> None:
    if reason := core_tools.missing():
        raise SystemExit(reason)
    FOLDER.mkdir(exist_ok=True)
    missing = [name for name in COURSES if not (FOLDER / f"{name}.json").exists()]
    with tempfile.TemporaryDirectory() as folder:
        for name, generations in record(Path(folder), missing).items():
            write(FOLDER / f"{name}.json", COURSES[name].orchestrator, name, generations)
    print(f"recorded {len(missing)}, kept {len(COURSES) - len(missing)}")  # noqa: T201


if __name__ == "__main__":
    main()
