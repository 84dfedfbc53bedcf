"""Runs that are under way survive a deployment: recorded histories replay on the present code, action by action.

They were recorded on the real durable extension. If a test here fails, the change would break running batches: see
"Changing an orchestrator" in CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import msgspec
import pytest

from local_host.durable import effects
from local_host.durable.replay import NonDeterministic, decide
from orchestrators import names
from orchestrators.insist import MAX_CALLS
from tests.courses import COURSES, FAULT
from tests.record_histories import FOLDER, HANDLES, asked, reply_to

pytestmark = pytest.mark.filterwarnings("ignore::Warning:azure")

RECORDED = {file.stem: msgspec.json.decode(file.read_bytes()) for file in sorted(FOLDER.glob("*.json"))}
ENDINGS = (effects.Complete, effects.Fail, effects.ContinueAsNew)


def reply(name: str, generation: dict[str, Any]) -> Any:
    recorded = RECORDED[name]
    return reply_to(recorded["orchestrator"], recorded["instance_id"], generation["input"], generation["history"])


def test_every_orchestrator_is_recorded() -> None:
    """No orchestrator is registered without a history that watches over it."""
    assert {recorded["orchestrator"] for recorded in RECORDED.values()} >= set(HANDLES)


def test_every_course_is_recorded() -> None:
    """Each course of `tests/courses` has its file; if not, run `python -m tests.record_histories`."""
    assert set(RECORDED) >= set(COURSES)


@pytest.mark.parametrize("name", RECORDED)
def test_the_present_code_asks_for_the_same(name: str) -> None:
    """Given a recorded history, the orchestrator asks for the recorded actions in the recorded order."""
    for generation in RECORDED[name]["generations"]:
        assert generation["asked"] == asked(reply(name, generation))


@pytest.mark.parametrize("name", RECORDED)
def test_the_local_host_accepts_the_present_code(name: str) -> None:
    """It finds everything in a recorded history that the orchestrator asks for, and nothing but the end is left to do."""
    for generation in RECORDED[name]["generations"]:
        decided = decide(generation["history"], reply(name, generation))

        assert [True] == [isinstance(it, ENDINGS) for it in decided if not isinstance(it, effects.SetStatus)]


@pytest.mark.parametrize("name", ["run_lane-storage-gone", "deliver_webhook-storage-gone"])
def test_it_gives_up_in_one_sentence(name: str) -> None:
    """Of the kilobytes that the real extension says of each failure, the output has the one line that was raised."""
    *_, generation = RECORDED[name]["generations"]
    *_, end = decide(generation["history"], reply(name, generation))

    assert isinstance(end, effects.Complete)
    said = msgspec.json.decode(end.output or "null")
    assert said.endswith(f" failed {MAX_CALLS} times, the last time with: RuntimeError: {FAULT}")
    assert (
        max(len(event.get("Reason") or "") + len(event.get("Details") or "") for event in generation["history"]) > 500
    )


def changed_run_batch(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """`run_batch` after a careless change: quota is reserved before the input is validated."""
    batch = context.get_input()
    yield context.call_activity(names.RESERVE_QUOTA, batch)
    yield context.call_activity(names.VALIDATE_INPUT, batch)
    return (yield context.call_activity(names.FINISH_BATCH, batch))


def test_a_breaking_change_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two activities that change places: other actions than recorded, and the host refuses to go on."""
    monkeypatch.setitem(HANDLES, names.RUN_BATCH, df.Orchestrator.create(changed_run_batch))
    (generation,) = RECORDED["run_batch-refused"]["generations"]
    changed = reply("run_batch-refused", generation)

    assert generation["asked"] != asked(changed)
    with pytest.raises(NonDeterministic, match=r"validate_input.*CALL_ACTIVITY reserve_quota"):
        decide(generation["history"], changed)
