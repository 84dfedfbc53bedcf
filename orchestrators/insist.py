"""Calling an activity until it answers.

Activities return expected outcomes as values and raise only for infrastructure faults, so a failure is worth trying
again. The SDK's own retry has no back-off; this one sleeps on durable timers and stays a plain sequence of actions.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

MAX_CALLS = 8
FIRST_PAUSE_SECONDS = 1
MAX_PAUSE_SECONDS = 60


def insist(context: df.DurableOrchestrationContext, name: str, argument: dict[str, Any]) -> Generator[Any, Any, Any]:
    """The activity's result. Raises its last failure after `MAX_CALLS` calls; `reconcile_batches` then starts anew."""
    for call in range(MAX_CALLS - 1):
        try:
            return (yield context.call_activity(name, argument))
        except Exception:  # the SDK raises plain Exception, whatever the activity raised
            pause = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**call)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=pause))
    return (yield context.call_activity(name, argument))
