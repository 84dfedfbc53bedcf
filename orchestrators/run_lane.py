"""One lane of a batch: slices of work one after another, until none is left or the batch has to stop."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators import names
from orchestrators.insist import insist

CALLS_PER_GENERATION = 25  # Replay cost grows with history; a new generation starts with an empty one.


def run_lane(context: df.DurableOrchestrationContext) -> Generator[Any, Any, None]:
    """Input: `{"owner", "batch_id", "lane", "lanes"}`, and `waited` seconds, which process_chunk keeps for itself."""
    lane = context.get_input()
    for _ in range(CALLS_PER_GENERATION):
        progress = yield from insist(context, names.PROCESS_CHUNK, lane)
        if progress["done"]:
            return
        lane = {**lane, "waited": progress["waited"]}
        if progress["wait"] > 0:
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=progress["wait"]))
    context.continue_as_new(lane)
