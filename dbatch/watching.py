"""Following batches to their end, by asking: one live line on a terminal, else a line at each change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from dbatch.batch_words import ENDED, Rate, progress_line, state, together
from dbatch.console import lively, say
from dbatch.service import failure_of

if TYPE_CHECKING:
    from openai import OpenAI

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_SHARE = 0.05  # Of the time watched so far is the pause before the next look.
_SAY_SECONDS = 10.0  # Plain lines: a new state at once, numbers at most so often.
_PATIENCE_SECONDS = 600.0  # So long a service may be away.

T = TypeVar("T")
Batch = dict[str, Any]


class Watch:
    """Batches under way, told as one: those that have ended count on.

    `before` were answered and failed before all of them; `total` is how many requests there are, where that is known.
    """

    def __init__(self, client: OpenAI, before: tuple[int, int] = (0, 0)) -> None:
        self._client, self._before, self.total = client, before, 0
        self._seen: dict[str, Batch] = {}
        self._waiting: list[str] = []
        self._view, self._rate, self._began = _View(), Rate(), time.monotonic()

    def add(self, batch_id: str) -> None:
        self._waiting.append(batch_id)

    def next_ended(self) -> Batch:
        """Waits until one of those that were added has ended, and lets go of it."""
        with self._view.shown():
            while True:
                for batch_id in self._waiting:
                    self._seen[batch_id] = self._retrieve(batch_id)
                self._tell()
                for batch_id in self._waiting:
                    if self._seen[batch_id]["status"] in ENDED:
                        self._waiting.remove(batch_id)
                        return self._seen[batch_id]
                time.sleep(min(max(_FIRST_PAUSE, _SHARE * (time.monotonic() - self._began)), _LONGEST_PAUSE))

    def _retrieve(self, batch_id: str) -> Batch:
        return patiently(lambda: self._client.batches.retrieve(batch_id).to_dict(), self._away)

    def _away(self, said: str) -> None:
        self._view.tell("away", said)

    def _tell(self) -> None:
        whole = together(list(self._seen.values()), self._before, self.total)
        self._rate.see(whole, time.monotonic())
        self._view.tell(state(whole), progress_line(whole, self._rate, datetime.now().astimezone()))


def patiently(call: Callable[[], T], tell: Callable[[str], None]) -> T:
    """Asks again while the service is away, for ten minutes."""
    from openai import APIConnectionError, InternalServerError

    until, is_told = time.monotonic() + _PATIENCE_SECONDS, False
    while True:
        try:
            return call()
        except (APIConnectionError, InternalServerError) as error:
            if time.monotonic() > until:
                raise
            failure = failure_of(error)
            if not is_told:
                tell(f"{failure.message if failure else error} Trying again.")
            is_told = True
            time.sleep(2.0)


class _View:
    """Where lines go: one that is written over, or each by itself."""

    def __init__(self) -> None:
        self._live = None
        if console := lively():
            from rich.live import Live  # Only a terminal needs it.

            self._live = Live(console=console, transient=True, auto_refresh=False)
        self._state, self._line, self._said_at = "", "", 0.0

    @contextmanager
    def shown(self) -> Iterator[None]:
        if self._live is None:
            yield
        else:
            with self._live:
                yield

    def tell(self, state: str, line: str) -> None:
        if self._live is not None:
            from rich.text import Text

            self._live.update(Text(line, no_wrap=True, overflow="ellipsis"), refresh=True)
        elif state != self._state or (line != self._line and time.monotonic() - self._said_at >= _SAY_SECONDS):
            self._said_at = time.monotonic()
            say(f"{datetime.now().astimezone():%H:%M:%S}  {line}")
            self._state, self._line = state, line
