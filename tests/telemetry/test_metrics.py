"""Gauges hold for a while; what a lane tells of busy times is a sample of bounded cost."""

from __future__ import annotations

from opentelemetry.metrics import CallbackOptions

from shared.domain.batches.batch import Batch
from shared.domain.deployments.deployment import Deployment
from shared.domain.upstream.upstream import Failed, Retry, Succeeded
from shared.domain.usage.usage import Usage
from shared.domain.vendors.vendor import Vendor
from shared.run.lane.lane_meter import MOST_DURATIONS, MOST_FAILED_SPANS, LaneMeter, error_type
from shared.telemetry import attributes as names
from shared.telemetry.metrics import FRESH_SECONDS, Newest
from tests.contracts.samples import START
from tests.telemetry.conftest import Told

GOOD = Succeeded(body=b"{}", usage=Usage(input_tokens=2, output_tokens=3), model="m-2026", request_id=None)
BAD = Retry(reason="timeout", after_seconds=None, throttled=False, final=Failed(status=None, body=b"{}"))


def meter() -> LaneMeter:
    batch = Batch(
        id="0" * 32,
        owner="default",
        vendor=Vendor.OPENAI,
        endpoint="/v1/chat/completions",
        input_file_id="in",
        input_blob="files/in",
        completion_window="24h",
        created_at=START,
        expires_at=START,
    )
    return LaneMeter(batch, Deployment(name="m", base_url="http://upstream:8000/v1"), lane=0)


def test_gauge_is_silent_once_it_is_old() -> None:
    """A value is observed for 90 seconds, then no more: the timer may run elsewhere by now."""
    now = 1000.0
    newest = Newest(lambda: now)
    newest.set(5, {names.MODEL: "m"})
    fresh = [(seen.value, seen.attributes) for seen in newest.observe(CallbackOptions())]
    now += FRESH_SECONDS + 1

    assert fresh == [(5, {names.MODEL: "m"})]
    assert list(newest.observe(CallbackOptions())) == []


def test_busy_lane_records_some_durations(told: Told) -> None:
    """Of many calls between two looks at most 50 are recorded, spread over all of them; of few, all."""
    lane = meter()
    for number in range(1000):
        lane.called(float(number), GOOD)
    lane.flush()
    (point,) = told.metrics()["gen_ai.client.operation.duration"].data.data_points
    for _ in range(3):
        lane.called(1.0, GOOD)
    lane.flush()
    (later,) = told.metrics()["gen_ai.client.operation.duration"].data.data_points

    assert (point.count, point.min, point.max) == (MOST_DURATIONS, 0.0, 980.0)
    assert later.count == 3


def test_spans_are_few(told: Told) -> None:
    """One success in a hundred has a span, and ten failures of each look."""
    lane = meter()
    for _ in range(250):
        lane.called(0.1, GOOD)
        lane.called(0.1, BAD)
    spans = told.spans()
    lane.flush()
    lane.called(0.1, BAD)

    failed = [span for span in spans if names.ERROR_TYPE in (span.attributes or {})]
    assert (len(spans) - len(failed), len(failed)) == (3, MOST_FAILED_SPANS)
    assert len(told.spans()) == len(spans) + 1


def test_span_lasts_as_long_as_the_call(told: Told) -> None:
    """A span begins when the call began, and names the server without the path."""
    meter().called(2.5, GOOD)
    (span,) = told.spans()

    assert span.end_time is not None
    assert span.start_time is not None
    assert span.end_time - span.start_time == 2_500_000_000
    assert (span.attributes or {})[names.SERVER] == "upstream"


def test_error_types_are_few() -> None:
    """A status, a kind of failure, or what our own code did: nothing of what the upstream said."""
    throttled = Retry(reason="status_429", after_seconds=1.0, throttled=True, final=Failed(status=429, body=b"{}"))
    seen = [error_type(outcome) for outcome in (GOOD, BAD, throttled, Failed(status=400, body=b"{}"))]

    assert seen == [None, "timeout", "429", "400"]
    assert error_type(Failed(status=None, body=b"{}")) == "internal_error"
