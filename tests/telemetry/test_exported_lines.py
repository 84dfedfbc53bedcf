"""Log lines that are exported, with the exporter that the worker sets up, on an endpoint of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

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
for name in ("api.files", "azure.functions", "azure_functions_worker", "httpx"):
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

    libraries = ("api.files", "azure.functions", "azure_functions_worker", "httpx")
    assert ours == {"information of api.files": 1, **{f"warning of {name}": 1 for name in libraries}}
    assert len(ingestion.posts) < 12
    assert "/v1/batches" not in outputs.stdout + outputs.stderr  # the host would take it for a log line


def test_trouble_with_exporting_is_told_on_standard_error(tmp_path: Path) -> None:
    """An endpoint that refuses is not asked more often for it, and the exporter's complaint reaches the host's log."""
    with ingesting(accepts=False) as ingestion:
        outputs = _told(ingestion, tmp_path)

    assert 0 < len(ingestion.posts) < 12
    assert "Operation returned an invalid status 'Forbidden'" in outputs.stderr
