"""The orchestrators as plain generators: which activities they call, in which order, with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrators import names
from orchestrators.deliver_webhook import ATTEMPTS_PER_GENERATION, deliver_webhook
from orchestrators.insist import MAX_CALLS
from orchestrators.run_batch import WAITS_PER_GENERATION, run_batch
from orchestrators.run_lane import CALLS_PER_GENERATION, run_lane

BATCH = {"owner": "o", "batch_id": "b", "run": "r"}
DONE = {"done": True, "status": "completed"}


@dataclass
class Recorder:
    """A durable context that notes what is asked of it."""

    input: Any
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    continued_with: Any = None
    current_utc_datetime: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def get_input(self) -> Any:
        return self.input

    def set_custom_status(self, status: str) -> None:
        self.calls.append(("status", status))

    def new_uuid(self) -> str:
        return f"{self.current_utc_datetime:%Y%m%d}-0000"

    def call_activity(self, name: str, argument: Any) -> tuple[Any, ...]:
        return ("activity", name, argument)

    def call_sub_orchestrator(self, name: str, argument: Any, instance_id: str) -> tuple[Any, ...]:
        return ("lane", name, argument, instance_id)

    def task_all(self, parts: list[Any]) -> tuple[Any, ...]:
        return ("all", parts)

    def create_timer(self, until: datetime) -> tuple[Any, ...]:
        return ("timer", (until - self.current_utc_datetime).total_seconds())

    def continue_as_new(self, argument: Any) -> None:
        self.continued_with = argument


def drive(orchestrator: Any, context: Recorder, answers: dict[str, list[Any]], lanes: Any = None) -> Any:
    """Run to the end; an activity's answers come from its list, an exception in it is raised at the yield.

    `lanes` is what waiting for all of them comes to.
    """
    generator = orchestrator(context)
    answer: Any = None
    try:
        while True:
            step = generator.throw(answer) if isinstance(answer, Exception) else generator.send(answer)
            context.calls.append(step)
            answer = answers[step[1]].pop(0) if step[0] == "activity" else lanes if step[0] == "all" else None
    except StopIteration as end:
        return end.value


def activities(context: Recorder) -> list[str]:
    return [call[1] for call in context.calls if call[0] == "activity"]


def test_a_run_validates_reserves_fans_out_and_finishes() -> None:
    """A good batch: validate, reserve, all lanes at once, finish."""
    context = Recorder(BATCH)
    status = drive(
        run_batch,
        context,
        {
            names.VALIDATE_INPUT: [{"outcome": "accepted", "lanes": 2}],
            names.RESERVE_QUOTA: [{"outcome": "admitted"}],
            names.FINISH_BATCH: [DONE],
        },
    )

    lanes = next(call for call in context.calls if call[0] == "all")[1]
    assert [names.VALIDATE_INPUT, names.RESERVE_QUOTA, names.FINISH_BATCH] == activities(context)
    assert ["b:lane:0:20260101", "b:lane:1:20260101"] == [lane[3] for lane in lanes]
    assert {**BATCH, "lane": 1, "lanes": 2} == lanes[1][2]
    assert DONE == status


@pytest.mark.parametrize(
    ("validated", "reserved"), [("refused", None), ("cancelled", None), ("accepted", {"outcome": "refused"})]
)
def test_a_run_without_lanes_still_finishes(validated: str, reserved: Any) -> None:
    """Whatever stops a run before its lanes, finish_batch makes the record final."""
    context = Recorder(BATCH)
    drive(
        run_batch,
        context,
        {
            names.VALIDATE_INPUT: [{"outcome": validated, "lanes": 2}],
            names.RESERVE_QUOTA: [reserved],
            names.FINISH_BATCH: [DONE],
        },
    )

    assert "all" not in {call[0] for call in context.calls}
    assert names.FINISH_BATCH == activities(context)[-1]


def test_a_run_waits_for_room() -> None:
    """A batch for which there is no room yet asks again after growing pauses."""
    context = Recorder(BATCH)
    drive(
        run_batch,
        context,
        {
            names.VALIDATE_INPUT: [{"outcome": "accepted", "lanes": 1}],
            names.RESERVE_QUOTA: [*[{"outcome": "wait"}] * 6, {"outcome": "admitted"}],
            names.FINISH_BATCH: [DONE],
        },
    )

    assert [1, 2, 4, 8, 16, 30] == [call[1] for call in context.calls if call[0] == "timer"]
    assert 1 == len([call for call in context.calls if call[0] == "all"])


def test_a_long_wait_continues_as_new() -> None:
    """History stays short while a batch waits for hours."""
    context = Recorder(BATCH)
    drive(
        run_batch,
        context,
        {
            names.VALIDATE_INPUT: [{"outcome": "accepted", "lanes": 1}],
            names.RESERVE_QUOTA: [{"outcome": "wait"}] * WAITS_PER_GENERATION,
        },
    )

    assert BATCH == context.continued_with


def test_a_lane_goes_on_until_it_is_done() -> None:
    """A lane is called again, after the wait it is told, until it is done."""
    context = Recorder({**BATCH, "lane": 0, "lanes": 1})
    answers = [
        {"done": False, "wait": 0.0, "waited": 0.0},
        {"done": False, "wait": 90.0, "waited": 0.0},
        {"done": True, "wait": 0.0, "waited": 0.0},
    ]
    drive(run_lane, context, {names.WORK_LANE: answers})

    assert [names.WORK_LANE] * 3 == activities(context)
    assert [90.0] == [call[1] for call in context.calls if call[0] == "timer"]
    assert context.continued_with is None


def test_a_long_lane_continues_as_new() -> None:
    """History stays short: after some calls the lane starts a new generation with the same input."""
    context = Recorder({**BATCH, "lane": 0, "lanes": 1})
    drive(run_lane, context, {names.WORK_LANE: [{"done": False, "wait": 0.0, "waited": 0.0}] * CALLS_PER_GENERATION})

    assert {**context.input, "waited": 0.0} == context.continued_with


def test_a_failing_activity_is_called_again_after_growing_pauses() -> None:
    """Infrastructure faults are met with durable timers, doubling, at most a minute."""
    context = Recorder({**BATCH, "lane": 0, "lanes": 1})
    faults: list[Any] = [RuntimeError("down")] * (MAX_CALLS - 1)
    drive(run_lane, context, {names.WORK_LANE: [*faults, {"done": True, "wait": 0.0, "waited": 0.0}]})

    assert [1, 2, 4, 8, 16, 32, 60] == [call[1] for call in context.calls if call[0] == "timer"]


REPORT = """Activity function 'work_lane' failed: Result: Failure
Exception: RuntimeError: Deployment 'm' is gone.
Stack:   File "/app/activities/work_lane.py", line 40, in work_lane
    raise RuntimeError(...)
 \n {"$OutOfProcData$":{"isDone":false}}"""
SENTENCE = "work_lane failed 8 times, the last time with: RuntimeError: Deployment 'm' is gone."


def test_a_lane_gives_up_in_one_sentence() -> None:
    """After MAX_CALLS the lane completes, and its result says what the activity raised: no stack, no JSON."""
    context = Recorder({**BATCH, "lane": 0, "lanes": 1})
    result = drive(run_lane, context, {names.WORK_LANE: [Exception(REPORT)] * MAX_CALLS})

    assert SENTENCE == result
    assert [1, 2, 4, 8, 16, 32, 60] == [call[1] for call in context.calls if call[0] == "timer"]


def test_a_run_that_gives_up_says_why() -> None:
    """It completes with a sentence, and another is started from the record: it never fails, so it is never rewound."""
    context = Recorder(BATCH)
    result = drive(run_batch, context, {names.VALIDATE_INPUT: [Exception("no storage")] * MAX_CALLS})

    sentence = "validate_input failed 8 times, the last time with: no storage"
    assert (result, context.continued_with) == ({"done": False, "reason": sentence}, None)


def test_lanes_that_failed_are_followed_by_others() -> None:
    """A lane that was ended or died fails the wait for all; what is left to run is seen by finish_batch: the run ends."""
    context = Recorder(BATCH)
    answers = {
        names.VALIDATE_INPUT: [{"outcome": "accepted", "lanes": 1}],
        names.RESERVE_QUOTA: [{"outcome": "admitted"}],
        names.FINISH_BATCH: [{"done": False, "status": "in_progress"}],
    }
    result = drive(run_batch, context, answers, lanes=RuntimeError("A lane was terminated."))

    assert names.FINISH_BATCH == activities(context)[-1]
    assert (result["done"], "left lines" in result["reason"]) == (False, True)


def test_a_delivery_is_tried_until_it_is_over() -> None:
    """Between two attempts it sleeps as long as it is told."""
    context = Recorder({"delivery_id": "d"})
    answers = [{"done": False, "wait": 5.0}, {"done": False, "wait": 10.0}, {"done": True, "wait": 0.0}]
    drive(deliver_webhook, context, {names.SEND_WEBHOOK: answers})

    assert [{"delivery_id": "d"}] * 3 == [call[2] for call in context.calls if call[0] == "activity"]
    assert [5.0, 10.0] == [call[1] for call in context.calls if call[0] == "timer"]
    assert context.continued_with is None


def test_a_long_delivery_continues_as_new() -> None:
    """With the same input: what is left to do is in its record."""
    context = Recorder({"delivery_id": "d"})
    drive(deliver_webhook, context, {names.SEND_WEBHOOK: [{"done": False, "wait": 1.0}] * ATTEMPTS_PER_GENERATION})

    assert {"delivery_id": "d"} == context.continued_with
