"""What a lane tells of its calls: counted in plain numbers line by line, recorded every few seconds.

Rule of this file: a line costs single microseconds, whoever listens. So counters are added up between two looks, and
of a busy lane's durations and spans only some are taken.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from shared.domain.batches.batch import Batch
from shared.domain.deployments.deployment import Deployment, UpstreamKind
from shared.domain.upstream.upstream import Failed, Outcome, Retry, Succeeded
from shared.telemetry import attributes as names
from shared.telemetry import metrics
from shared.telemetry.attributes import Attributes
from shared.telemetry.spans import call_span, lane_span

MOST_DURATIONS = 50  # Recorded of one look; those of a slow lane are all.
SPAN_EVERY = 100  # Calls that succeeded, of which the first has a span.
MOST_FAILED_SPANS = 10  # Of one look: an upstream that is down fails thousands of times for the same reason.


class LaneMeter:
    """`called` after each call of the upstream, `retried` and `finished` for each line; `flush` now and then."""

    def __init__(self, batch: Batch, deployment: Deployment, *, lane: int) -> None:
        self._lane: Attributes = {names.BATCH_ID: batch.id, names.LANE: lane, names.MODEL: deployment.name}
        self._model: Attributes = {names.MODEL: deployment.name}
        self._call: Attributes = {
            names.OPERATION: names.OPERATIONS.get(batch.endpoint, "other"),
            names.PROVIDER: _provider(deployment),
            names.MODEL: deployment.name,
        }
        self._servers: dict[str, Attributes] = {
            target.target: {
                names.SERVER: urlsplit(target.base_url).hostname or "",
                names.PROVIDER: _provider(target),
            }
            for target in deployment.upstreams
        }
        self._batch_id = batch.id
        self._succeeded = 0
        self._failed_spans = 0
        self._durations: list[tuple[float, str | None, str]] = []
        self._finished: Counter[tuple[str | None, int | None]] = Counter()
        self._throttled: Counter[tuple[str, str]] = Counter()
        self._retried: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._sums: Counter[str] = Counter()

    def called(self, seconds: float, outcome: Outcome, target: str = "") -> None:
        """One call of the upstream is over; `target` says of which, where there are several."""
        error = error_type(outcome)
        self._durations.append((seconds, error, target))
        if error is not None:
            if isinstance(outcome, Retry) and outcome.throttled:
                self._throttled[error, target] += 1
            if self._failed_spans < MOST_FAILED_SPANS:
                self._failed_spans += 1
                self._span(seconds, outcome, error, target)
        else:
            if self._succeeded % SPAN_EVERY == 0:
                self._span(seconds, outcome, None, target)
            self._succeeded += 1

    def retried(self, outcome: Retry) -> None:
        """The line is sent again."""
        self._retried[error_type(outcome) or ""] += 1

    def finished(self, outcome: Outcome) -> None:
        """The line has its result."""
        if isinstance(outcome, Succeeded):
            self._finished[None, 200] += 1
            self._tokens["input"] += outcome.usage.input_tokens
            self._tokens["output"] += outcome.usage.output_tokens
        else:
            final = outcome.final if isinstance(outcome, Retry) else outcome
            self._finished[error_type(outcome), final.status] += 1

    def _span(self, seconds: float, outcome: Outcome, error: str | None, target: str) -> None:
        ended = time.time_ns()
        more: dict[str, Any] = {names.BATCH_ID: self._batch_id}
        if isinstance(outcome, Succeeded):
            more[names.INPUT_TOKENS] = outcome.usage.input_tokens
            more[names.OUTPUT_TOKENS] = outcome.usage.output_tokens
            if outcome.model:
                more[names.RESPONSE_MODEL] = outcome.model
        if (status := _status(outcome)) is not None:
            more[names.STATUS_CODE] = status
        if error is not None:
            more[names.ERROR_TYPE] = error
        call_span(ended - int(seconds * 1e9), ended, {**self._call, **self._servers[target], **more})

    @contextmanager
    def slice(self) -> Iterator[None]:
        """The span of the lane's slice; ends with what is not recorded yet. Spans of calls are its children."""
        with lane_span(self._lane) as span:
            try:
                yield
            finally:
                self.flush()
                span.set_attributes(
                    {
                        names.COMPLETED: self._sums["completed"],
                        names.FAILED: self._sums["failed"],
                        names.THROTTLED: self._sums["throttled"],
                        names.RETRIES: self._sums["retries"],
                        names.INPUT_TOKENS: self._sums["input"],
                        names.OUTPUT_TOKENS: self._sums["output"],
                    }
                )

    def flush(self) -> None:
        """Record what has come together, and begin anew."""
        self._record_durations()
        for (error, status), count in self._finished.items():
            outcome = "completed" if error is None else "failed"
            self._sums[outcome] += count
            metrics.REQUESTS.record(count, {names.OUTCOME: outcome, **self._model, **_known(error, status)})
        for (error, target), count in self._throttled.items():
            self._sums["throttled"] += count
            server = self._servers[target][names.SERVER]
            metrics.THROTTLED_CALLS.record(count, {**self._model, names.SERVER: server, names.ERROR_TYPE: error})
        for error, count in self._retried.items():
            self._sums["retries"] += count
            metrics.RETRIED_CALLS.record(count, {**self._model, names.ERROR_TYPE: error})
        for kind, count in self._tokens.items():
            self._sums[kind] += count
            metrics.TOKENS.record(count, {**self._call, names.TOKEN_TYPE: kind})
        for counted in (self._finished, self._throttled, self._retried, self._tokens):
            counted.clear()
        self._failed_spans = 0

    def _record_durations(self) -> None:
        """Every one, or evenly some of many."""
        step = -(-len(self._durations) // MOST_DURATIONS) or 1
        for seconds, error, target in self._durations[::step]:
            metrics.CALL_DURATION.record(seconds, {**self._call, **self._servers[target], **_known(error, None)})
        self._durations.clear()


def _provider(upstream: Deployment) -> str:
    return "azure.ai.openai" if upstream.kind is UpstreamKind.AZURE else "openai"


def error_type(outcome: Outcome) -> str | None:
    """Of a small closed set: an HTTP status, `timeout`, `connection`, `invalid_answer`; None for a success."""
    if isinstance(outcome, Succeeded):
        return None
    if isinstance(outcome, Retry):
        return outcome.reason.removeprefix("status_")
    return "internal_error" if outcome.status is None else str(outcome.status)


def _status(outcome: Outcome) -> int | None:
    if isinstance(outcome, Failed):
        return outcome.status
    return outcome.final.status if isinstance(outcome, Retry) else 200


def _known(error: str | None, status: int | None) -> Attributes:
    known: dict[str, str | int] = {}
    if error is not None:
        known[names.ERROR_TYPE] = error
    if status is not None:
        known[names.STATUS_CODE] = status
    return known
