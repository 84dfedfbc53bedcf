"""One run of a batch: validate, reserve, fan out lanes, finish. No I/O, no clock, no rules: activities decide."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators import names
from orchestrators.insist import insist

WAITS_PER_GENERATION = 50
MAX_WAIT_SECONDS = 30


def run_batch(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Input: `{"owner", "batch_id"}`. Safe to start again for a batch that is under way: every step is idempotent."""
    batch = context.get_input()
    context.set_custom_status("validating the input file")
    validated = yield from insist(context, names.VALIDATE_INPUT, batch)
    reserved = "refused"
    if validated["outcome"] == "accepted":
        reserved = yield from _reserve(context, batch)
    if reserved == "wait":
        context.continue_as_new(batch)
        return None
    if reserved == "admitted":
        yield from _run_lanes(context, batch, validated["lanes"])
    context.set_custom_status("writing the result files")
    return (yield from insist(context, names.FINISH_BATCH, batch))


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
    context.set_custom_status(f"running on {lanes} lanes")
    yield context.task_all(
        [
            context.call_sub_orchestrator(
                names.RUN_LANE, {**batch, "lane": lane, "lanes": lanes}, f"{batch['batch_id']}:lane:{lane}"
            )
            for lane in range(lanes)
        ]
    )
