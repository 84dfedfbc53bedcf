"""Following a batch to its end, by asking: one live line on a terminal, else a line at each change."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.text import Text

from dbatch.batch_words import ENDED, Rate, progress_line, state
from dbatch.console import beside, is_lively, say
from dbatch.service import failure_of

if TYPE_CHECKING:
    from openai import OpenAI

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_SHARE = 0.05  # Of the time watched so far is the pause before the next look.
_SAY_SECONDS = 10.0  # Plain lines: a new state at once, numbers at most so often.
_PATIENCE_SECONDS = 600.0  # So long a service may be away.


def wait(client: OpenAI, batch_id: str, prefix: str = "") -> dict[str, Any]:
    """The batch when it has ended. `prefix` begins each line, where there are several batches."""
    view = _View(prefix)
    rate, began = Rate(), time.monotonic()
    with view:
        while True:
            batch = _retrieve(client, batch_id, view)
            rate.see(batch, time.monotonic())
            view.tell(state(batch), progress_line(batch, rate, datetime.now().astimezone()))
            if batch["status"] in ENDED:
                return batch
            time.sleep(min(max(_FIRST_PAUSE, _SHARE * (time.monotonic() - began)), _LONGEST_PAUSE))


def _retrieve(client: OpenAI, batch_id: str, view: _View) -> dict[str, Any]:
    """Asks again while the service is away, for ten minutes."""
    from openai import APIConnectionError, InternalServerError

    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return client.batches.retrieve(batch_id).to_dict()
        except (APIConnectionError, InternalServerError) as error:
            if time.monotonic() > until:
                raise
            failure = failure_of(error)
            view.tell("away", f"{failure.message if failure else error} Trying again.")
            time.sleep(2.0)


class _View:
    """Where lines go: one that is written over, or each by itself."""

    def __init__(self, prefix: str) -> None:
        console = beside()
        self._live = Live(console=console, transient=True, auto_refresh=False) if is_lively(console) else None
        self._prefix, self._state, self._line, self._said_at = prefix, "", "", 0.0

    def __enter__(self) -> None:
        inner: AbstractContextManager[Any] = self._live or nullcontext()
        inner.__enter__()

    def __exit__(self, *raised: object) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, state: str, line: str) -> None:
        if self._live is not None:
            self._live.update(Text(self._prefix + line, no_wrap=True, overflow="ellipsis"), refresh=True)
        elif state != self._state or (line != self._line and time.monotonic() - self._said_at >= _SAY_SECONDS):
            self._said_at = time.monotonic()
            say(f"{datetime.now().astimezone():%H:%M:%S}  {self._prefix}{line}")
            self._state, self._line = state, line
