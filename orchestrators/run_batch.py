"""One run of a batch: validate, reserve, fan out lanes, finish. No I/O, no clock, no rules: activities decide.

A run ends when the record is final, or in one sentence when it cannot go on: `tend_batches` then starts another, at
once if the batch has got on, after growing pauses if it has not.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators import names
from orchestrators.insist import GaveUp, insist

WAITS_PER_GENERATION = 50
MAX_WAIT_SECONDS = 30


def run_batch(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Input: `{"owner", "batch_id", "run"}`. Safe to start again for a batch under way: every step is idempotent.

    Returns what `finish_batch` answered, or `{"done": False, "reason"}`.
    """
    batch = context.get_input()
    try:
        finished = yield from _attempt(context, batch)
    except GaveUp as reason:
        return {"done": False, "reason": str(reason)}
    if finished is None:
        context.continue_as_new(batch)
    return finished


def _attempt(context: df.DurableOrchestrationContext, batch: dict[str, Any]) -> Generator[Any, Any, Any]:
    """What `finish_batch` answered; None when the run has waited long enough to begin with an empty history."""
    context.set_custom_status("validating the input file")
    validated = yield from insist(context, names.VALIDATE_INPUT, batch)
    if validated["outcome"] == "accepted":
        reserved = yield from _reserve(context, batch)
        if reserved == "wait":
            return None
        if reserved == "admitted":
            yield from _run_lanes(context, batch, validated["lanes"])
    context.set_custom_status("writing the result files")
    finished = yield from insist(context, names.FINISH_BATCH, batch)
    if not finished["done"]:
        raise GaveUp("The lanes have ended and left lines that still have to run.")
    return finished


def _reserve(context: df.DurableOrchestrationContext, batch: dict[str, Any]) -> Generator[Any, Any, str]:
    """`admitted` or `refused`; `wait` when it has waited long enough to begin with an empty history."""
    for waits in range(WAITS_PER_GENERATION):
        reserved: str = (yield from insist(context, names.RESERVE_QUOTA, batch))["outcome"]
        if reserved != "wait":
            return reserved
        context.set_custom_status("waiting for room in the enqueued token quota")
        pause = min(MAX_WAIT_SECONDS, 2**waits)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=pause))
    return "wait"


def _run_lanes(context: df.DurableOrchestrationContext, batch: dict[str, Any], lanes: int) -> Generator[Any, Any, None]:
    """Lanes under ids that no earlier one had: what is left of an earlier run may still live under its own.

    A lane that failed, or that somebody ended, has left its chunks to the others; `finish_batch` sees if any are left.
    """
    context.set_custom_status(f"running on {lanes} lanes")
    lane_id, generation = names.lanes_of(batch["batch_id"]), context.new_uuid()[:8]
    children = [
        context.call_sub_orchestrator(
            names.RUN_LANE,
            {**batch, "lane": lane, "lanes": lanes},
            f"{lane_id}{lane}:{generation}",
        )
        for lane in range(lanes)
    ]
    with suppress(Exception):  # the SDK raises plain Exception
        yield context.task_all(children)
