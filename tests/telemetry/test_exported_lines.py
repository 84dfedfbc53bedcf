"""Log lines that are exported, with the exporter that the worker sets up, on an endpoint of ours."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from shared.telemetry.exported_lines import choose_exported_lines
from tests.azure_host.ingestion import Ingestion, ingesting

ROOT = Path(__file__).parents[2]
# The worker's order: the root logger at INFO, telemetry, the app, and a web server that flushes every handler there is.
WORKER = """
import logging, logging.config, os, time
from azure.monitor.opentelemetry import configure_azure_monitor
from uvicorn.config import LOGGING_CONFIG
logging.basicConfig(level=logging.INFO, handlers=[logging.NullHandler()])
configure_azure_monitor()
import function_app
logging.config.dictConfig(LOGGING_CONFIG)
for name in ("api.files.files", "azure.functions", "azure_functions_worker", "httpx"):
    logging.getLogger(name).info("information of %s", name)
    logging.getLogger(name).warning("warning of %s", name)
logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "127.0.0.1", "GET", "/v1/batches?after=x", "1.1", 200)
time.sleep(4)
os._exit(0)
"""


def _told(ingestion: Ingestion, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the worker said on its two outputs, once its telemetry is with `ingestion`."""
    environment = {**os.environ, **ingestion.settings, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", WORKER]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment)


def test_our_lines_and_warnings_are_exported(tmp_path: Path) -> None:
    """Our own from INFO, anybody's from WARNING; each once, and in so few POSTs that none can be about another."""
    with ingesting() as ingestion:
        outputs = _told(ingestion, tmp_path)
        ours = Counter(text for text in ingestion.messages() if " of " in text)

    libraries = ("api.files.files", "azure.functions", "azure_functions_worker", "httpx")
    assert ours == {"information of api.files.files": 1, **{f"warning of {name}": 1 for name in libraries}}
    assert len(ingestion.posts) < 12
    assert "/v1/batches" not in outputs.stdout + outputs.stderr  # the host would take it for a log line


def test_trouble_with_exporting_is_told_on_standard_error(tmp_path: Path) -> None:
    """An endpoint that refuses is not asked more often for it, and the exporter's complaint reaches the host's log."""
    with ingesting(accepts=False) as ingestion:
        outputs = _told(ingestion, tmp_path)

    assert 0 < len(ingestion.posts) < 12
    assert "Operation returned an invalid status 'Forbidden'" in outputs.stderr


def test_what_is_said_in_an_export_or_of_it_is_not_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Identity and HTTP belong to all: their warnings are exported, but not those of an export that lacks a token."""
    exporter, provider = InMemoryLogRecordExporter(), LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    monkeypatch.setattr(logging.getLogger(), "handlers", [LoggingHandler(logger_provider=provider)])
    choose_exported_lines()
    identity = logging.getLogger("azure.identity")
    with suppress_instrumentation():
        identity.warning("No token for the exporter.")
    logging.getLogger("opentelemetry.sdk.trace").warning("Queue full, dropping Span.")
    identity.warning("No token for storage.")

    assert [record.log_record.body for record in exporter.get_finished_logs()] == ["No token for storage."]
