"""Every metric: its name, kind, unit and attributes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

from shared.telemetry.attributes import (
    DIRECTION,
    ENDPOINT,
    ERROR_TYPE,
    MODEL,
    OPERATION,
    OUTCOME,
    PROVIDER,
    PURPOSE,
    SCOPE,
    SERVER,
    STATUS,
    STATUS_CODE,
    TOKEN_TYPE,
    Attributes,
)

FRESH_SECONDS = 90  # The timer that sets gauges comes every 30.


class Kind(StrEnum):
    """What may be asked of a metric: sums of a counter, averages and extremes of a histogram, the newest of a gauge."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


class Newest:
    """The newest values of a gauge, for some minutes: after that another instance may know newer ones."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._values: dict[frozenset[tuple[str, str | int | float]], tuple[float, float]] = {}

    def set(self, value: float, attributes: Attributes) -> None:
        self._values[frozenset(attributes.items())] = value, self._clock()

    def observe(self, options: CallbackOptions) -> Iterator[Observation]:  # noqa: ARG002 - the callback's form
        """Called at each export, in a thread of the exporter's."""
        oldest = self._clock() - FRESH_SECONDS
        for attributes, (value, at) in list(self._values.items()):
            if at >= oldest:
                yield Observation(value, dict(attributes))


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One instrument. An attribute that is not known is left out."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] | None = None

    def record(self, value: float, attributes: Attributes) -> None:
        """Add to a counter, else record. Takes about 0.2 µs without an SDK, 5 to 20 µs with one."""
        self._write(value, attributes)

    @cached_property
    def _write(self) -> Callable[[float, Attributes], None]:
        meter = get_meter(SCOPE)
        if self.kind is Kind.COUNTER:
            return meter.create_counter(self.name, self.unit, self.meaning).add
        if self.kind is Kind.GAUGE:
            newest = Newest()
            meter.create_observable_gauge(self.name, [newest.observe], self.unit, self.meaning)
            return newest.set
        buckets = self.buckets
        return meter.create_histogram(
            self.name, self.unit, self.meaning, explicit_bucket_boundaries_advisory=buckets
        ).record


_CALL_BUCKETS = tuple(0.01 * 2**power for power in range(14))  # 0.01 to 81.92 s, by the conventions
_BATCH_BUCKETS = tuple(60.0 * 2**power for power in range(12))  # a minute to 34 hours

CALL_DURATION = Metric(
    name="gen_ai.client.operation.duration",
    kind=Kind.HISTOGRAM,
    unit="s",
    meaning="One call of an upstream. Of busy lanes a sample: its averages hold, its count does not.",
    attributes=(OPERATION, PROVIDER, MODEL, SERVER, ERROR_TYPE),
    buckets=_CALL_BUCKETS,
)
TOKENS = Metric(
    name="gen_ai.client.token.usage",
    kind=Kind.COUNTER,
    unit="{token}",
    meaning="Billable tokens that upstreams counted. A counter, not the conventions' histogram: sums are exact.",
    attributes=(OPERATION, PROVIDER, MODEL, TOKEN_TYPE),
)
BATCHES = Metric(
    name="batch.jobs",
    kind=Kind.COUNTER,
    unit="{batch}",
    meaning="Batches that entered a status.",
    attributes=(STATUS, ENDPOINT, MODEL),
)
REQUESTS = Metric(
    name="batch.requests",
    kind=Kind.COUNTER,
    unit="{request}",
    meaning="Request lines that got their outcome: completed, failed, expired or cancelled.",
    attributes=(OUTCOME, MODEL, ERROR_TYPE, STATUS_CODE),
)
BATCH_DURATION = Metric(
    name="batch.job.duration",
    kind=Kind.HISTOGRAM,
    unit="s",
    meaning="From the creation of a batch to its end.",
    attributes=(STATUS, MODEL),
    buckets=_BATCH_BUCKETS,
)
QUEUE_WAIT = Metric(
    name="batch.queue.wait",
    kind=Kind.HISTOGRAM,
    unit="s",
    meaning="From the creation of a batch to in_progress: its validation, and what that waited for.",
    attributes=(MODEL,),
    buckets=_CALL_BUCKETS + _BATCH_BUCKETS[1:],
)
UNFINISHED = Metric(
    name="batch.unfinished",
    kind=Kind.GAUGE,
    unit="{batch}",
    meaning="Batches that have not ended, by status.",
    attributes=(STATUS,),
)
OLDEST_AGE = Metric(
    name="batch.unfinished.oldest",
    kind=Kind.GAUGE,
    unit="s",
    meaning="Time since the creation of the oldest batch that has not ended; 0 without one.",
)
ENQUEUED_TOKENS = Metric(
    name="batch.enqueued_tokens",
    kind=Kind.GAUGE,
    unit="{token}",
    meaning="Input tokens of unfinished batches.",
    attributes=(MODEL,),
)
ENQUEUED_LIMIT = Metric(
    name="batch.enqueued_tokens.limit",
    kind=Kind.GAUGE,
    unit="{token}",
    meaning="The deployment's enqueued_token_limit; nothing without one.",
    attributes=(MODEL,),
)
THROTTLED_CALLS = Metric(
    name="batch.backend.throttled",
    kind=Kind.COUNTER,
    unit="{request}",
    meaning="Calls that an upstream refused for load: 429, 503, or with a Retry-After.",
    attributes=(MODEL, SERVER, ERROR_TYPE),
)
RETRIED_CALLS = Metric(
    name="batch.backend.retries",
    kind=Kind.COUNTER,
    unit="{request}",
    meaning="Calls after which the line was sent again; error.type says why.",
    attributes=(MODEL, ERROR_TYPE),
)
RUN_RESTARTS = Metric(
    name="batch.run.restarts",
    kind=Kind.COUNTER,
    unit="{run}",
    meaning="Runs that were started again: the one before was lost, gave up, or was ended without a sign of life.",
)
FILE_BYTES = Metric(
    name="batch.files.bytes",
    kind=Kind.COUNTER,
    unit="By",
    meaning="Bytes of files: uploaded, written as results, or sent to a caller (download).",
    attributes=(PURPOSE, DIRECTION),
)
KEEP_DURATION = Metric(
    name="batch.journal.duration",
    kind=Kind.HISTOGRAM,
    unit="s",
    meaning="Making finished lines durable: one append to a journal.",
    buckets=_CALL_BUCKETS,
)

METRICS = (
    CALL_DURATION,
    TOKENS,
    BATCHES,
    REQUESTS,
    BATCH_DURATION,
    QUEUE_WAIT,
    UNFINISHED,
    OLDEST_AGE,
    ENQUEUED_TOKENS,
    ENQUEUED_LIMIT,
    THROTTLED_CALLS,
    RETRIED_CALLS,
    RUN_RESTARTS,
    FILE_BYTES,
    KEEP_DURATION,
)
