"""A service whose telemetry a test can read, and a batch on it from upload to download.

Providers can be set once a process, so they are set once and emptied before each test; temporality is as the exporter
for Azure Monitor has it: what is read is what is new.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, Metric
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator

from activities.validate_input import validate_input
from activities.work_lane import work_lane
from local_host.http.http_server import build_app, compile_routes
from shared.domain.deployments.deployment import Deployment
from shared.services import Services, use
from shared.telemetry.attributes import SCOPE
from tests.api.harness import FakeClient, app_index, with_client
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import ScriptedUpstream, answer, opened_world

SECRET = "recognisable"  # In everything that must not be told.
KEY = f"{SECRET}-key"


@dataclass
class Told:
    """What was told since the test began."""

    reader: InMemoryMetricReader
    exporter: InMemorySpanExporter

    def metrics(self) -> dict[str, Metric]:
        """By name, what is new since the last call."""
        data = self.reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        return {metric.name: metric for scope in scopes if scope.scope.name == SCOPE for metric in scope.metrics}

    def spans(self) -> tuple[ReadableSpan, ...]:
        found = self.exporter.get_finished_spans()
        return tuple(span for span in found if span.instrumentation_scope and span.instrumentation_scope.name == SCOPE)


class OwnIds(IdGenerator):
    """The SDK's own ids and exemplars would draw from the random numbers that tests of whole days have seeded."""

    def __init__(self) -> None:
        self._random = random.Random(1)

    def generate_span_id(self) -> int:
        return self._random.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self._random.getrandbits(128) or 1


@pytest.fixture(scope="package")
def providers() -> Iterator[Told]:
    delta = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
    told = Told(InMemoryMetricReader(preferred_temporality=delta), InMemorySpanExporter())
    meters = MeterProvider([told.reader], exemplar_filter=AlwaysOffExemplarFilter())
    tracers = TracerProvider(id_generator=OwnIds())
    tracers.add_span_processor(SimpleSpanProcessor(told.exporter))
    metrics.set_meter_provider(meters)
    trace.set_tracer_provider(tracers)
    yield told
    tracers.shutdown()
    meters.shutdown()


@pytest.fixture
def told(providers: Told) -> Told:
    providers.metrics()
    providers.exporter.clear()
    return providers


class Durable(FakeClient):
    """A durable client for which no run is alive: there is none, or each has ended as `word` says."""

    word: str | None = None

    async def get_status(self, instance_id: str) -> Any:
        status = SimpleNamespace(value=self.word) if self.word else None
        return SimpleNamespace(runtime_status=status, last_updated_time=None, output=None)


@dataclass
class Product:
    """The HTTP edge, the activities and the upstream of one service."""

    service: Services
    upstream: ScriptedUpstream
    http: httpx.AsyncClient
    durable: Durable = field(default_factory=Durable)

    async def create(self, lines: int) -> dict[str, Any]:
        """Upload a file of so many lines and create its batch; returns the activities' input."""
        data = b"".join(
            b'{"custom_id": "%s-id-%d", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", '
            b'"messages": [{"role": "user", "content": "%s %d"}]}}\n'
            % (SECRET.encode(), number, SECRET.encode(), number)
            for number in range(1, lines + 1)
        )
        file = {"file": (f"{SECRET}.jsonl", data)}
        uploaded = await self.http.post("/v1/files", data={"purpose": "batch"}, files=file)
        body = {
            "input_file_id": uploaded.json()["id"],
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"note": SECRET},
        }
        created = await self.http.post("/v1/batches", json=body)
        assert created.status_code == 200, created.text
        return {"owner": "default", "batch_id": created.json()["id"].removeprefix("batch_"), "lane": 0, "lanes": 1}

    async def run(self, at: dict[str, Any]) -> dict[str, Any]:
        """The batch as the API shows it once every activity is through."""
        await validate_input(at)
        while not (progress := await work_lane(at))["done"]:
            await asyncio.sleep(progress["wait"])
        await finish_batch(at)
        return (await self.http.get(f"/v1/batches/batch_{at['batch_id']}")).json()


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[Product]:
    async with opened_world(tmp_path) as world:
        deployment = Deployment(name="m", base_url="http://upstream", max_concurrency=8, enqueued_token_limit=10**6)
        settings = replace(
            world.service.settings, bootstrap_key=KEY, deployments={"m": deployment}, journal_results=2, chunk_lines=20
        )
        service = replace(world.service, settings=settings)
        durable = Durable()
        functions = [with_client(function, durable) for function in app_index().http]
        app = build_app(compile_routes(functions), "{}")
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://host", headers={"authorization": f"Bearer {KEY}"}
        )
        world.upstream.script = troubled
        with use(service):
            yield Product(service, world.upstream, http, durable)
        await http.aclose()


def troubled(prompt: str, before: int) -> Any:
    """Lines 1 to 3 are refused for load once, line 4 fails, line 6 takes its time."""
    number = int(prompt.split()[-1])
    if number <= 3 and not before:
        return answer(429, {"error": {"message": SECRET}}, retry_after_ms="1")
    if number == 4:
        return answer(400, {"error": {"message": SECRET}})
    usage = {"prompt_tokens": 2, "completion_tokens": 3}
    choices = [{"message": {"role": "assistant", "content": SECRET}}]
    return 0.1 if number == 6 else answer(body={"model": "m-2026", "usage": usage, "choices": choices})
