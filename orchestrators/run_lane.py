"""One lane of a batch: slices of work one after another, until none is left or the batch has to stop."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators import names
from orchestrators.insist import GaveUp, insist

CALLS_PER_GENERATION = 25  # Replay cost grows with history; a new generation starts with an empty one.


def run_lane(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
    """Input: `{"owner", "batch_id", "run", "lane", "lanes"}`, and `waited`, which is handed back to work_lane.

    The result is `done`, or the sentence that says why it gave up: its chunks are then for the other lanes, or for the
    run's next lanes. It is never None: for an instance without an output the host shows that of the failed one it
    replaced.
    """
    lane = context.get_input()
    for _ in range(CALLS_PER_GENERATION):
        try:
            progress = yield from insist(context, names.WORK_LANE, lane)
        except GaveUp as reason:
            return str(reason)
        if progress["done"]:
            return "done"
        lane = {**lane, "waited": progress["waited"]}
        if progress["wait"] > 0:
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=progress["wait"]))
    context.continue_as_new(lane)
    return "continued"
