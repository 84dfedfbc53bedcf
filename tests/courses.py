"""Courses that the product's orchestrations take: what their activities answer, in order. A fault is raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrators import names
from orchestrators.deliver_webhook import ATTEMPTS_PER_GENERATION
from orchestrators.insist import MAX_CALLS
from orchestrators.run_lane import CALLS_PER_GENERATION

FAULT = "The store does not answer."

ACCEPTED = {"outcome": "accepted", "chunks": 7, "lanes": 2}
ADMITTED = {"outcome": "admitted"}
REFUSED = {"outcome": "refused"}
COMPLETED = {"done": True, "status": "completed"}
TOO_EARLY = {"done": False, "status": "in_progress"}
BROKEN: dict[str, Any] = {}  # No answer of work_lane: the lane itself fails.


@dataclass(frozen=True, kw_only=True)
class Course:
    """For each activity its answers in order; the last one stands for all that follow."""

    orchestrator: str
    answers: Mapping[str, Sequence[Any]]

    def input(self, name: str) -> dict[str, Any]:
        """What the orchestration is started with; `name` is the course's."""
        if self.orchestrator == names.DELIVER_WEBHOOK:
            return {"delivery_id": name}
        batch = {"owner": "default", "batch_id": name, "run": "r"}
        return batch if self.orchestrator == names.RUN_BATCH else {**batch, "lane": 1, "lanes": 2}


def _batch(
    *,
    validated: Sequence[Any] = (ACCEPTED,),
    reserved: Sequence[Any] = (ADMITTED,),
    finished: Sequence[Any] = (COMPLETED,),
    lanes: Sequence[Any] = ({"done": True, "wait": 0.0, "waited": 0.0},),
) -> Course:
    answers = {
        names.VALIDATE_INPUT: validated,
        names.RESERVE_QUOTA: reserved,
        names.FINISH_BATCH: finished,
        names.WORK_LANE: lanes,
    }
    return Course(orchestrator=names.RUN_BATCH, answers=answers)


def _lane(*progress: Any) -> Course:
    return Course(orchestrator=names.RUN_LANE, answers={names.WORK_LANE: progress})


def _delivery(*attempts: Any) -> Course:
    return Course(orchestrator=names.DELIVER_WEBHOOK, answers={names.SEND_WEBHOOK: attempts})


def _slice(wait: float = 0.0) -> dict[str, Any]:
    return {"done": False, "wait": wait, "waited": wait}


DONE = {"done": True, "wait": 0.0, "waited": 0.0}
AGAIN = {"done": False, "wait": 1.0}
COURSES = {
    "run_batch-accepted": _batch(),
    "run_batch-one-lane": _batch(validated=[{**ACCEPTED, "lanes": 1}]),
    "run_batch-refused": _batch(validated=[REFUSED], finished=[{"done": True, "status": "failed"}]),
    "run_batch-cancelled-while-validating": _batch(
        validated=[{"outcome": "cancelled"}], finished=[{"done": True, "status": "cancelled"}]
    ),
    "run_batch-over-quota": _batch(reserved=[REFUSED], finished=[{"done": True, "status": "failed"}]),
    "run_batch-waits-for-room": _batch(reserved=[{"outcome": "wait"}, {"outcome": "wait"}, ADMITTED]),
    "run_batch-every-activity-called-again": _batch(
        validated=[FAULT, FAULT, ACCEPTED], reserved=[FAULT, ADMITTED], finished=[FAULT, FAULT, FAULT, COMPLETED]
    ),
    "run_batch-storage-gone": _batch(validated=[*[FAULT] * MAX_CALLS, ACCEPTED]),
    "run_batch-lane-failed": _batch(finished=[TOO_EARLY, COMPLETED], lanes=[BROKEN, DONE]),
    "run_lane-one-slice": _lane(DONE),
    "run_lane-several-slices": _lane(_slice(), _slice(), DONE),
    "run_lane-waits": _lane(_slice(1.0), _slice(), _slice(2.5), DONE),
    "run_lane-two-generations": _lane(*[_slice()] * CALLS_PER_GENERATION, _slice(1.0), DONE),
    "run_lane-called-again": _lane(FAULT, FAULT, _slice(), FAULT, DONE),
    "run_lane-storage-gone": _lane(_slice(), *[FAULT] * MAX_CALLS),
    "deliver_webhook-received": _delivery(DONE),
    "deliver_webhook-received-later": _delivery(AGAIN, AGAIN, DONE),
    "deliver_webhook-two-generations": _delivery(*[AGAIN] * ATTEMPTS_PER_GENERATION, DONE),
    "deliver_webhook-called-again": _delivery(FAULT, AGAIN, FAULT, DONE),
    "deliver_webhook-storage-gone": _delivery(*[FAULT] * MAX_CALLS),
}
