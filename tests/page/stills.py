"""How long the page stands still: the longest piece of work of the thread that draws it and listens to people.

Rule of this file: it is measured in the time that the thread had a processor. By the clock a busy machine, which gives
the thread a processor now and then, makes five times as much of the same work, and a test would measure its neighbours.
A browser's driver asks its questions on that thread as well; asking by role has it name every element. So questions
asked meanwhile are by selector.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page

_CATEGORY = "toplevel"
_WORK = "ThreadControllerImpl::RunTask"
_THREAD = "CrRendererMain"


class Stills:
    """`longest_ms` once the watch is over, and `pieces`, of how many it is the longest."""

    longest_ms = 0.0
    pieces = 0


@contextmanager
def watched(page: Page) -> Iterator[Stills]:
    browser = page.context.browser
    assert browser
    found = Stills()
    browser.start_tracing(page=page, categories=[_CATEGORY])
    try:
        yield found
    finally:
        spent = list(_spent_ms(json.loads(browser.stop_tracing())["traceEvents"]))
    found.longest_ms, found.pieces = max(spent, default=0.0), len(spent)


def _spent_ms(events: list[dict[str, Any]]) -> Iterator[float]:
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == _THREAD
    }
    for event in events:
        if event["name"] == _WORK and (event["pid"], event["tid"]) in threads:
            yield event.get("tdur", 0) / 1000
