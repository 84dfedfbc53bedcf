"""One run of a batch: validate, reserve, fan out lanes, finish. No I/O, no clock, no rules: activities decide."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from orchestrators import names
from orchestrators.insist import insist


def run_batch(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Input: `{"owner", "batch_id"}`. Safe to start again for a batch that is under way: every step is idempotent."""
    batch = context.get_input()
    context.set_custom_status("validating the input file")
    validated = yield from insist(context, names.VALIDATE_INPUT, batch)
    if validated["outcome"] == "accepted":
        yield from _run_lanes(context, batch, validated["lanes"])
    context.set_custom_status("writing the result files")
    return (yield from insist(context, names.FINISH_BATCH, batch))


def _run_lanes(context: df.DurableOrchestrationContext, batch: dict[str, Any], lanes: int) -> Generator[Any, Any, None]:
    reserved = yield from insist(context, names.RESERVE_QUOTA, batch)
    if reserved["outcome"] != "admitted":
        return
    context.set_custom_status(f"running on {lanes} lanes")
    yield context.task_all(
        [
            context.call_sub_orchestrator(
                names.RUN_LANE, {**batch, "lane": lane, "lanes": lanes}, f"{batch['batch_id']}:lane:{lane}"
            )
            for lane in range(lanes)
        ]
    )
