"""Every span: its name, kind and attributes; how one is begun and ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.trace import Span, SpanKind, StatusCode, get_tracer

from shared.telemetry.attributes import (
    BATCH_ID,
    COMPLETED,
    ERROR_TYPE,
    FAILED,
    INPUT_TOKENS,
    LANE,
    MODEL,
    OPERATION,
    OUTPUT_TOKENS,
    PROVIDER,
    RESPONSE_MODEL,
    RETRIES,
    SCOPE,
    SERVER,
    STATUS_CODE,
    THROTTLED,
    Attributes,
)


@dataclass(frozen=True, kw_only=True)
class SpanType:
    """One kind of span. `name` may have fields in braces, filled from attributes."""

    name: str
    kind: SpanKind
    meaning: str
    attributes: tuple[str, ...]


LANE_SPAN = SpanType(
    name="batch.lane",
    kind=SpanKind.INTERNAL,
    meaning="A lane's slice of work: one call of the activity work_lane.",
    attributes=(
        BATCH_ID,
        LANE,
        MODEL,
        COMPLETED,
        FAILED,
        THROTTLED,
        RETRIES,
        INPUT_TOKENS,
        OUTPUT_TOKENS,
        ERROR_TYPE,
    ),
)
CALL_SPAN = SpanType(
    name="{gen_ai.operation.name} {gen_ai.request.model}",
    kind=SpanKind.CLIENT,
    meaning="One call of an upstream: the first of each hundred of a lane, and failed ones, ten every few seconds.",
    attributes=(
        OPERATION,
        PROVIDER,
        MODEL,
        RESPONSE_MODEL,
        SERVER,
        BATCH_ID,
        ERROR_TYPE,
        STATUS_CODE,
        INPUT_TOKENS,
        OUTPUT_TOKENS,
    ),
)

SPANS = (LANE_SPAN, CALL_SPAN)

_tracer = get_tracer(SCOPE)


@contextmanager
def lane_span(attributes: Attributes) -> Iterator[Span]:
    """The current span of a block. What is raised marks it by its type; the text stays in the logs."""
    with _tracer.start_as_current_span(
        LANE_SPAN.name,
        kind=LANE_SPAN.kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute(ERROR_TYPE, type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise


def call_span(began_ns: int, ended_ns: int, attributes: Attributes) -> None:
    """A call of an upstream that is over. Times in nanoseconds since 1970. A child of the current span."""
    name = f"{attributes[OPERATION]} {attributes[MODEL]}"
    span = _tracer.start_span(name, kind=CALL_SPAN.kind, start_time=began_ns, attributes=attributes)
    if ERROR_TYPE in attributes:
        span.set_status(StatusCode.ERROR)
    span.end(ended_ns)
