"""What a real batch tells: every metric and span that is declared, as declared, once, and nothing of anybody's content."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from opentelemetry.sdk.metrics.export import Gauge, Histogram, Metric, Sum

from activities.validate_input import validate_input
from activities.work_lane import work_lane
from shared.domain.batches.batch import CancelRequested
from shared.domain.batches.quota import QuotaMode
from shared.run.batches.change import change, load
from shared.run.batches.survey import survey
from shared.services import use
from shared.telemetry import attributes as names
from shared.telemetry.metrics import METRICS, Kind
from shared.telemetry.spans import CALL_SPAN, LANE_SPAN
from tests.fake_orchestrations import finish_batch
from tests.telemetry.conftest import SECRET, Product, Told
from timers.reconcile_batches import reconcile_batches

LINES = 12
SHAPES = {Sum: Kind.COUNTER, Histogram: Kind.HISTOGRAM, Gauge: Kind.GAUGE}


async def everything(product: Product) -> dict[str, Any]:
    """A batch from upload to download, whose run is lost and started again; returns it as the API shows it."""
    at = await product.create(LINES)
    await validate_input(at)
    product.durable.word = "Failed"
    await reconcile_batches(product.service, product.durable)
    batch = await product.run(at)
    await product.http.get(f"/v1/files/{batch['output_file_id']}/content")
    return batch


def sums(metric: Metric, *attributes: str) -> dict[tuple[Any, ...], float]:
    """Of a counter or gauge, by the values of some attributes."""
    found: dict[tuple[Any, ...], float] = {}
    for point in metric.data.data_points:
        key = tuple(point.attributes.get(name) for name in attributes)
        found[key] = found.get(key, 0) + point.value
    return found


async def test_every_declared_metric_is_told(product: Product, told: Told) -> None:
    """A batch tells each metric there is, of its kind, in its unit, with its attributes and no other."""
    await everything(product)
    found = told.metrics()

    assert set(found) == {metric.name for metric in METRICS}
    for declared in METRICS:
        metric = found[declared.name]
        assert (SHAPES[type(metric.data)], metric.unit) == (declared.kind, declared.unit)
        used = {name for point in metric.data.data_points for name in point.attributes}
        assert used == set(declared.attributes), declared.name
        if declared.buckets:
            assert metric.data.data_points[0].explicit_bounds == declared.buckets


async def test_sums_are_those_of_the_batch(product: Product, told: Told) -> None:
    """Lines by outcome, tokens, throttled calls and calls made again are exactly what the batch had."""
    batch = await everything(product)
    found = told.metrics()

    outcomes = sums(found["batch.requests"], names.OUTCOME, names.ERROR_TYPE, names.STATUS_CODE)
    assert outcomes == {("completed", None, 200): LINES - 1, ("failed", "400", 400): 1}
    assert batch["request_counts"] == {"total": LINES, "completed": LINES - 1, "failed": 1}
    tokens = sums(found["gen_ai.client.token.usage"], names.TOKEN_TYPE)
    assert tokens == {("input",): batch["usage"]["input_tokens"], ("output",): batch["usage"]["output_tokens"]}
    assert sums(found["batch.backend.throttled"], names.SERVER, names.ERROR_TYPE) == {("upstream", "429"): 3}
    assert sums(found["batch.backend.retries"], names.ERROR_TYPE) == {("429",): 3}
    entered = sums(found["batch.jobs"], names.STATUS)
    assert entered == {(status,): 1 for status in ("validating", "in_progress", "finalizing", "completed")}


async def test_spans_are_as_declared(product: Product, told: Told) -> None:
    """One span for the lane's slice with its sums, spans of calls as its children; attributes are the declared ones."""
    await everything(product)
    lanes = [span for span in told.spans() if span.name == LANE_SPAN.name]
    calls = [span for span in told.spans() if span.name == "chat m"]

    assert len(lanes) == 1
    assert len(calls) == 5  # one that succeeded, three that were throttled, one that failed
    assert len(lanes) + len(calls) == len(told.spans())
    assert {span.parent.span_id for span in calls if span.parent} == {lanes[0].context.span_id}
    assert {*LANE_SPAN.attributes} - {names.ERROR_TYPE} == set(lanes[0].attributes or ())
    assert {*CALL_SPAN.attributes} == {name for span in calls for name in span.attributes or ()}
    assert {span.kind for span in calls} == {CALL_SPAN.kind}
    done = {name: (lanes[0].attributes or {})[name] for name in (names.COMPLETED, names.FAILED, names.THROTTLED)}
    assert done == {names.COMPLETED: LINES - 1, names.FAILED: 1, names.THROTTLED: 3}


async def test_no_content_is_told(product: Product, told: Told, caplog: pytest.LogCaptureFixture) -> None:
    """File names, custom_ids, prompts, answers, errors, metadata and keys are in no metric, span or log line."""
    caplog.set_level(logging.DEBUG)
    await everything(product)
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    exported = [metric.to_json() for metric in told.metrics().values()] + [span.to_json() for span in told.spans()]
    logged = [f"{record.getMessage()} {record.__dict__} {record.exc_text}" for record in ours]

    assert len(exported) > len(METRICS)
    assert logged
    assert [text for text in exported + logged if SECRET in text] == []


async def test_each_change_is_one_log_line(product: Product, told: Told, caplog: pytest.LogCaptureFixture) -> None:
    """One line for each change of state, from and to; the last has the counts and the tokens."""
    caplog.set_level(logging.INFO)
    batch = await everything(product)
    lines = [record.__dict__ for record in caplog.records if record.__dict__.get("action") == "batch_changed"]

    assert [(line["from"], line["to"]) for line in lines] == [
        ("new", "validating"),
        ("validating", "in_progress"),
        ("in_progress", "finalizing"),
        ("finalizing", "completed"),
    ]
    last = lines[-1]
    assert (last["completed"], last["failed"], last["model"]) == (LINES - 1, 1, "m")
    assert last["output_tokens"] == batch["usage"]["output_tokens"]
    assert {line["batch_id"] for line in lines} == {batch["id"].removeprefix("batch_")}


async def test_repeated_activities_tell_nothing_twice(product: Product, told: Told) -> None:
    """Delivered again after the end, every activity of a batch adds to no counter."""
    at = await product.create(LINES)
    await product.run(at)
    told.metrics()
    for activity in (validate_input, work_lane, finish_batch):
        await activity(at)

    assert [name for name, metric in told.metrics().items() if not isinstance(metric.data, Gauge)] == []


@pytest.mark.parametrize(("cancelled", "outcome"), [(True, "cancelled"), (False, "expired")])
async def test_lines_that_never_ran_are_counted(product: Product, told: Told, cancelled: bool, outcome: str) -> None:
    """A batch that is cancelled, or expires, before a line ran counts every line, once."""
    at = await product.create(LINES)
    await validate_input(at)
    batch = await load(product.service, at["owner"], at["batch_id"])
    assert batch
    if cancelled:
        await change(product.service, batch, CancelRequested())
    late = replace(product.service, now=lambda: batch.expires_at)
    with use(product.service if cancelled else late):
        await finish_batch(at)
        await finish_batch(at)

    assert sums(told.metrics()["batch.requests"], names.OUTCOME) == {(outcome,): LINES}


async def test_survey_tells_of_each_batch_at_the_quarter(
    product: Product, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    """Every quarter of an hour each unfinished batch has a line; in between there are only the gauges."""
    caplog.set_level(logging.INFO)
    at = await product.create(LINES)
    await validate_input(at)
    batch = await load(product.service, at["owner"], at["batch_id"])
    assert batch
    assert batch.in_progress_at
    quarter = batch.in_progress_at.replace(minute=15, second=3)
    for now in (quarter, quarter.replace(minute=16)):
        await survey(replace(product.service, now=lambda now=now: now), [batch])
    lines = [record.__dict__ for record in caplog.records if record.__dict__.get("action") == "batch_surveyed"]

    assert [(line["status"], line["total"], line["finished"]) for line in lines] == [("in_progress", LINES, 0)]
    found = told.metrics()
    assert sums(found["batch.unfinished"], names.STATUS)["in_progress",] == 1
    assert sums(found["batch.enqueued_tokens"], names.MODEL) == {("m",): batch.input_tokens}


async def test_a_paused_batch_is_told_as_paused(product: Product, caplog: pytest.LogCaptureFixture) -> None:
    """So that no alert calls it stuck."""
    caplog.set_level(logging.INFO)
    at = await product.create(LINES)
    await validate_input(at)
    batch = await load(product.service, at["owner"], at["batch_id"])
    assert batch
    assert batch.in_progress_at
    now = batch.in_progress_at.replace(minute=0, second=0)
    await survey(replace(product.service, now=lambda: now), [msgspec.structs.replace(batch, paused_at=now)])
    lines = [record.__dict__ for record in caplog.records if record.__dict__.get("action") == "batch_surveyed"]

    assert [line["status"] for line in lines] == ["paused"]


async def test_batch_that_waits_for_its_turn_is_queued(product: Product, caplog: pytest.LogCaptureFixture) -> None:
    """In quota mode wait, a batch in progress that has no room yet is told as queued, so that no alert calls it stuck."""
    caplog.set_level(logging.INFO)
    at = await product.create(LINES)
    await validate_input(at)
    batch = await load(product.service, at["owner"], at["batch_id"])
    assert batch
    assert batch.in_progress_at
    ahead = msgspec.structs.replace(batch, id="0" * 32, input_tokens=10**6)
    now = batch.in_progress_at.replace(minute=0, second=0)
    settings = replace(product.service.settings, quota_mode=QuotaMode.WAIT)
    await survey(replace(product.service, settings=settings, now=lambda: now), [ahead, batch])
    lines = [record.__dict__ for record in caplog.records if record.__dict__.get("action") == "batch_surveyed"]

    assert [line["status"] for line in lines] == ["in_progress", "queued"]
