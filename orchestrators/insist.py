"""Calling an activity until it answers, or giving up in one sentence.

Activities return expected outcomes as values and raise only for infrastructure faults, so a failure is worth trying
again. The SDK's own retry has no back-off; this one sleeps on durable timers and stays a plain sequence of actions.
An orchestrator that gives up completes and says why: one that the platform calls Failed can be rewound, and a history
from which failures are taken no longer fits the timers that followed them (docs/adr/0004).
"""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

MAX_CALLS = 8
FIRST_PAUSE_SECONDS = 1
MAX_PAUSE_SECONDS = 60
LONGEST_SENTENCE = 300

# Hosts put what an activity raised between `Exception: ` and its stack, nested in sentences of their own.
_RAISED = re.compile(r"(?:^|\n)\s*Exception: (?P<what>[^\n]+)|failed: (?P<local>\w*(?:Error|Exception)\w*: [^\n]+)")


class GaveUp(Exception):
    """The activity failed `MAX_CALLS` times; the message is a sentence for the operator."""


def insist(context: df.DurableOrchestrationContext, name: str, argument: dict[str, Any]) -> Generator[Any, Any, Any]:
    """The activity's result. Raises GaveUp after `MAX_CALLS` calls."""
    failure = ""
    for call in range(MAX_CALLS):
        if call:
            pause = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (call - 1))
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=pause))
        try:
            return (yield context.call_activity(name, argument))
        except Exception as error:  # the SDK raises plain Exception, whatever the activity raised
            failure = sentence(str(error))
    raise GaveUp(f"{name} failed {MAX_CALLS} times, the last time with: {failure}")


def sentence(text: str) -> str:
    """The one line of a host's report of a failure that says what was raised."""
    found = _RAISED.search(text)
    what = (found["what"] or found["local"]) if found else text.strip().partition("\n")[0]
    return what.strip()[:LONGEST_SENTENCE]
