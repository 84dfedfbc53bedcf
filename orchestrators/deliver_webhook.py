"""One delivery: attempts, with durable timers between them, until the activity says that it is over."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators import names
from orchestrators.insist import GaveUp, insist

ATTEMPTS_PER_GENERATION = 25  # Replay cost grows with history; a new generation starts with an empty one.


def deliver_webhook(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
    """Input: `{"delivery_id"}`. Safe to start again: the delivery's record says whether anything is still owed.

    The result is `done`, or the sentence that says why it gave up: `tend_batches` then starts another.
    """
    delivery = context.get_input()
    for _ in range(ATTEMPTS_PER_GENERATION):
        try:
            attempt = yield from insist(context, names.SEND_WEBHOOK, delivery)
        except GaveUp as reason:
            return str(reason)
        if attempt["done"]:
            return "done"
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=attempt["wait"]))
    context.continue_as_new(delivery)
    return "continued"
