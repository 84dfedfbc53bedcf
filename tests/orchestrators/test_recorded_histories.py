"""Runs that are under way survive a deployment: recorded histories replay on the present code, action by action.

If a test here fails, the change would break running batches: see "Changing an orchestrator" in CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import msgspec
import pytest

from local_host import effects
from local_host.replay import NonDeterministic, decide
from orchestrators import names
from tests import record_histories
from tests.record_histories import FOLDER, HANDLES, asked, reply_to

pytestmark = pytest.mark.filterwarnings("ignore::Warning:azure")

RECORDED = {file.stem: msgspec.json.decode(file.read_bytes()) for file in sorted(FOLDER.glob("*.json"))}
ENDINGS = (effects.Complete, effects.Fail, effects.ContinueAsNew)


def test_every_orchestrator_is_recorded() -> None:
    """No orchestrator is registered without a history that watches over it."""
    assert {recorded["orchestrator"] for recorded in RECORDED.values()} >= set(HANDLES)


def test_every_course_is_recorded() -> None:
    """Each course of `record_histories` has its file; if not, run `python -m tests.record_histories`."""
    assert set(RECORDED) >= set(record_histories.COURSES)


@pytest.mark.parametrize("name", RECORDED)
def test_the_present_code_asks_for_the_same(name: str) -> None:
    """Given a recorded history, the orchestrator asks for the recorded actions in the recorded order."""
    recorded = RECORDED[name]
    for generation in recorded["generations"]:
        reply = reply_to(recorded["orchestrator"], generation["input"], generation["history"])

        assert generation["asked"] == asked(reply)


@pytest.mark.parametrize("name", RECORDED)
def test_the_host_accepts_the_present_code(name: str) -> None:
    """The host finds everything in a recorded history that the orchestrator asks for, and nothing else is left to do."""
    recorded = RECORDED[name]
    for generation in recorded["generations"]:
        reply = reply_to(recorded["orchestrator"], generation["input"], generation["history"])
        decided = [
            effect for effect in decide(generation["history"], reply) if not isinstance(effect, effects.SetStatus)
        ]

        assert [True] == [isinstance(effect, ENDINGS) for effect in decided]


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
    reply = reply_to(names.RUN_BATCH, generation["input"], generation["history"])

    assert generation["asked"] != asked(reply)
    with pytest.raises(NonDeterministic, match=r"TASK_SCHEDULED validate_input.*CALL_ACTIVITY reserve_quota"):
        decide(generation["history"], reply)
