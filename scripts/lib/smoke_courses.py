"""What batches do besides being answered: one is cancelled, a small one goes its way beside a large one.

Rule of this file: how many lines may reach the model is said beforehand, and a large batch is cancelled as soon as it
has served its purpose.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
from smoke_batch import LINES, OPENAI, SmokeBatch
from smoke_call import CheckFailed

POLL_SECONDS = 0.5
SMALL_LINES = 5
VALIDATION_SECONDS = 20.0  # 2 s are promised; an instance may have to start first.
_REPORT = "This is a fault to report: docs/operations.md, alert-stuck-batch, says what to look at."
_STARVED = (
    "Short work waits for long work: see docs/operations.md, Limits (slots and lanes of an instance), and whether "
    "instances start (docs/operations/instances.kql)."
)


class SmokeCourses:
    """The batches that the checks made; their files are deleted at the end."""

    def __init__(self, http: httpx.Client, key: str, timeout_seconds: float) -> None:
        self._http, self._key, self._timeout_seconds = http, key, timeout_seconds
        self._batches: list[SmokeBatch] = []

    def check_cancel(self, deployment: str) -> str:
        """Cancelled, and no line in the results twice. Raises CheckFailed."""
        batch = self._start(deployment, LINES)
        if not batch.cancel():
            return "it had ended before the cancel came"
        self._await(batch, lambda: batch.ended)
        if not batch.ended:
            raise CheckFailed(f"still {batch.status} after {batch.seconds:.0f} s ({batch.id})", _REPORT)
        seen = batch.results()
        if len(seen) != len(set(seen)) or not set(seen) <= batch.custom_ids:
            raise CheckFailed(f"{batch.status}, with lines {sorted(seen)} in its files", _REPORT)
        return f"{batch.status} {batch.seconds:.1f} s after its creation, {len(seen)} lines in its files, none twice"

    def check_beside(self, deployment: str, lines: int) -> str:
        """A batch of a few lines is let through while a large one runs. Raises CheckFailed."""
        large = self._start(deployment, lines)
        self._await(large, lambda: large.ended or large.status == "in_progress")
        small = self._start(deployment, SMALL_LINES)
        try:
            self._await(small, lambda: small.ended)
            large.look()
            return _judged(small, large)
        finally:
            self._stop(large)

    def clean(self) -> list[str]:
        return [left for batch in self._batches if (left := batch.clean())]

    def _start(self, deployment: str, lines: int) -> SmokeBatch:
        batch = SmokeBatch(self._http, OPENAI, self._key, deployment, lines)
        batch.start()
        self._batches.append(batch)
        return batch

    def _stop(self, batch: SmokeBatch) -> None:
        if not batch.ended and batch.cancel():
            self._await(batch, lambda: batch.ended)

    def _await(self, batch: SmokeBatch, reached: Callable[[], bool]) -> None:
        until = time.monotonic() + self._timeout_seconds
        while not reached() and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
            batch.look()


def _judged(small: SmokeBatch, large: SmokeBatch) -> str:
    waited = small.validated_seconds
    if waited is None or waited > VALIDATION_SECONDS:
        raise CheckFailed(f"{small.status} for {waited or small.seconds:.0f} s beside a large one", _STARVED)
    try:
        answered = small.check()
    except CheckFailed as failure:
        raise CheckFailed(failure.seen, f"{_STARVED} {failure.advice}") from failure
    seen = f"{answered} in {small.seconds:.1f} s, begun after {waited:.1f} s"
    if large.ended:
        return f"{seen}; but the large one was {large.status} by then, which proves little: give more --lines"
    return f"{seen}, while the large one stood at {large.progress}"
