"""What the platform's libraries would tell beside us, with the app settings that docs/telemetry.md asks for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from azure.core.settings import settings as azure_settings
from azure.monitor.opentelemetry import _constants as distribution

ROOT = Path(__file__).parents[2]
# As the worker does it: providers and instrumentations first, then the extension that serves HTTP.
PROGRAM = """
import asyncio, sys
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
if sys.argv[1] == "instrumented":
    FastAPIInstrumentor().instrument()

import httpx
from azurefunctions.extensions.http.fastapi.web import WebApp

async def call():
    transport = httpx.ASGITransport(WebApp().web_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
        await client.get("/v1/batches?note=recognisable")

asyncio.run(call())
print([dict(span.attributes) for span in exporter.get_finished_spans()])
"""


def asked() -> dict[str, str]:
    """The app settings of docs/telemetry.md."""
    text = (ROOT / "docs/telemetry.md").read_text()
    return dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", text, re.MULTILINE))


def _spans(how: str, environment: dict[str, str]) -> str:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, how],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return run.stdout


def test_http_calls_are_not_told_by_the_web_framework() -> None:
    """With the settings asked for, FastAPI tells of no call; without, it would tell its query."""
    excluded = {"OTEL_PYTHON_FASTAPI_EXCLUDED_URLS": asked()["OTEL_PYTHON_FASTAPI_EXCLUDED_URLS"]}

    assert _spans("instrumented", excluded).strip() == "[]"
    assert "recognisable" in _spans("plain", {})


def test_every_other_instrumentation_is_off() -> None:
    """What the distribution would instrument is switched off, but for FastAPI, which must be there to be silent."""
    off = set(asked()["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"].split(","))

    assert off == set(distribution._ALL_SUPPORTED_INSTRUMENTED_LIBRARIES) - {"fastapi"}


def _level(host: str, category: str) -> str:
    """From which level the host's exporter takes lines of a category: the longest rule that it begins with."""
    rules = json.loads((ROOT / host).read_text())["logging"]["OpenTelemetry"]["logLevel"]
    return rules[max((name for name in rules if category.startswith(name)), key=len, default="default")]


@pytest.mark.parametrize("host", ["host.json", "host.dts.json"])
@pytest.mark.parametrize(
    ("category", "level"),
    [
        ("Host.Function.Console", "Warning"),  # both outputs of the worker
        ("Host.Triggers.DurableTask", "Warning"),  # three lines at Information for each function of a run
        ("Host.Startup", "Warning"),
        ("Worker.rpcWorkerProcess", "Warning"),  # that a worker died
        ("Microsoft.Azure.WebJobs.Hosting.JobHostService", "Warning"),
        ("DurableTask.AzureStorage", "Warning"),  # lost leases, messages that cannot be handled
        ("DurableTask.Core", "None"),
    ],
)
def test_host_exports_only_what_went_wrong(host: str, category: str, level: str) -> None:
    """The host's exporter takes warnings and errors; what lines there are in the stream for people is another matter."""
    assert _level(host, category) == level


def test_importing_telemetry_traces_no_storage_call() -> None:
    """The Azure SDK makes spans only where a distribution was set up: here, with our own telemetry imported, none."""
    assert not azure_settings.tracing_enabled()
