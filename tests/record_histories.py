"""Records histories of the product's orchestrators: `python -m tests.record_histories`.

Each course below is run through the durable SDK and the local host's replay loop, on a clock of its own, and becomes a
file in `tests/histories`; `tests/orchestrators/test_recorded_histories.py` replays them all. A file that is there is
kept: it stands for the runs that are under way somewhere. CONTRIBUTING.md says when one may go.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import msgspec

import function_app
from local_host import events, sdk
from local_host.events import Event
from local_host.instance import InstanceStatus, RuntimeStatus
from local_host.replay import Action, Reply
from orchestrators import names
from orchestrators.deliver_webhook import ATTEMPTS_PER_GENERATION
from orchestrators.insist import MAX_CALLS
from orchestrators.run_lane import CALLS_PER_GENERATION
from tests.local_host.replaying_host import START, ReplayingHost

FOLDER = Path(__file__).parent / "histories"
HANDLES = {name: df.Orchestrator.create(function) for name, function in function_app.ORCHESTRATORS}

BATCH = {"owner": "default", "batch_id": "b", "run": "r"}
LANE = {**BATCH, "lane": 1, "lanes": 2}
DELIVERY = {"delivery_id": "d"}
FAULT = RuntimeError("The store does not answer.")
LANE_ENDED = events.child_completed(START, task_id=-1, result="null")
LANE_FAILED = events.child_failed(START, task_id=-1, reason="Orchestrator function 'run_lane' failed.")

ACCEPTED = {"outcome": "accepted", "chunks": 7, "lanes": 2}
ADMITTED = {"outcome": "admitted"}
REFUSED = {"outcome": "refused"}
COMPLETED = {"done": True, "status": "completed"}
TOO_EARLY = {"done": False, "status": "in_progress"}


@dataclass(frozen=True, kw_only=True)
class Course:
    """What one orchestration meets: for each activity its answers in order (an exception: it fails), then the last."""

    orchestrator: str
    input: Mapping[str, Any]
    answers: Mapping[str, Sequence[Any]]
    lane: Event = field(default_factory=lambda: LANE_ENDED)


def _batch(
    *,
    validated: Sequence[Any] = (ACCEPTED,),
    reserved: Sequence[Any] = (ADMITTED,),
    finished: Sequence[Any] = (COMPLETED,),
    lane: Event = LANE_ENDED,
) -> Course:
    answers = {names.VALIDATE_INPUT: validated, names.RESERVE_QUOTA: reserved, names.FINISH_BATCH: finished}
    return Course(orchestrator=names.RUN_BATCH, input=BATCH, answers=answers, lane=lane)


def _lane(*progress: Any) -> Course:
    return Course(orchestrator=names.RUN_LANE, input=LANE, answers={names.PROCESS_CHUNK: progress})


def _delivery(*attempts: Any) -> Course:
    return Course(orchestrator=names.DELIVER_WEBHOOK, input=DELIVERY, answers={names.SEND_WEBHOOK: attempts})


def _slice(wait: float = 0.0) -> dict[str, Any]:
    return {"done": False, "wait": wait, "waited": wait}


DONE = {"done": True, "wait": 0.0, "waited": 0.0}
AGAIN = {"done": False, "wait": 40.0}
COURSES = {
    "run_batch-accepted": _batch(),
    "run_batch-one-lane": _batch(validated=[{**ACCEPTED, "lanes": 1}]),
    "run_batch-refused": _batch(validated=[REFUSED], finished=[{"done": True, "status": "failed"}]),
    "run_batch-cancelled-while-validating": _batch(
        validated=[{"outcome": "cancelled"}], finished=[{"done": True, "status": "cancelled"}]
    ),
    "run_batch-over-quota": _batch(reserved=[REFUSED], finished=[{"done": True, "status": "failed"}]),
    "run_batch-every-activity-called-again": _batch(
        validated=[FAULT, FAULT, ACCEPTED], reserved=[FAULT, ADMITTED], finished=[FAULT, FAULT, FAULT, COMPLETED]
    ),
    "run_batch-storage-gone": _batch(validated=[*[FAULT] * MAX_CALLS, ACCEPTED]),
    "run_batch-lane-failed": _batch(
        validated=[ACCEPTED] * 2, reserved=[ADMITTED] * 2, finished=[TOO_EARLY, COMPLETED], lane=LANE_FAILED
    ),
    "run_lane-one-slice": _lane(DONE),
    "run_lane-several-slices": _lane(_slice(), _slice(), DONE),
    "run_lane-waits": _lane(_slice(90.0), _slice(), _slice(240.5), DONE),
    "run_lane-two-generations": _lane(*[_slice()] * CALLS_PER_GENERATION, _slice(30.0), DONE),
    "run_lane-called-again": _lane(FAULT, FAULT, _slice(), FAULT, DONE),
    "run_lane-storage-gone": _lane(_slice(), *[FAULT] * MAX_CALLS),
    "deliver_webhook-received": _delivery(DONE),
    "deliver_webhook-received-later": _delivery(AGAIN, AGAIN, DONE),
    "deliver_webhook-two-generations": _delivery(*[AGAIN] * ATTEMPTS_PER_GENERATION, DONE),
    "deliver_webhook-called-again": _delivery(FAULT, AGAIN, FAULT, DONE),
    "deliver_webhook-storage-gone": _delivery(*[FAULT] * MAX_CALLS),
}


def record(course: Course) -> list[dict[str, Any]]:
    """Every generation of an orchestration, with what it was given, what happened to it and what it asked for."""
    host = ReplayingHost(
        orchestrator=course.orchestrator,
        handles=HANDLES,
        input=json.dumps(course.input),
        answers={name: _in_turn(answers) for name, answers in course.answers.items()},
        children={names.RUN_LANE: course.lane},
    ).run(1)
    generations = [*host.generations, (host.input, host.history)]
    return [
        {"input": input_json, "history": history, "asked": asked(reply_to(course.orchestrator, input_json, history))}
        for input_json, history in generations
    ]


def _in_turn(answers: Sequence[Any]) -> Callable[[Any], Any]:
    left: Iterator[Any] = iter(answers)

    def answer(_: Any) -> Any:
        said = next(left)
        if isinstance(said, Exception):
            raise said
        return said

    return answer


def reply_to(orchestrator: str, input_json: str | None, history: list[Event]) -> Reply:
    """What the orchestrator's present code answers to a history."""
    instance = InstanceStatus(
        instance_id="b1",
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


def write(file: Path, orchestrator: str, generations: list[dict[str, Any]]) -> None:
    """One event a line, so that a change can be read."""
    for generation in generations:
        generation["history"] = [msgspec.Raw(json.dumps(event).encode()) for event in generation["history"]]
    text = msgspec.json.encode({"orchestrator": orchestrator, "generations": generations})
    file.write_bytes(text.replace(b'{"EventType"', b'\n{"EventType"').replace(b',"asked"', b',\n"asked"') + b"\n")


def main() -> None:
    warnings.filterwarnings("ignore", module=r"azure\.(durable_)?functions")
    FOLDER.mkdir(exist_ok=True)
    for name, course in COURSES.items():
        file = FOLDER / f"{name}.json"
        if file.exists():
            print(f"kept      {file.name}")
            continue
        write(file, course.orchestrator, record(course))
        print(f"recorded  {file.name}")


if __name__ == "__main__":
    main()
