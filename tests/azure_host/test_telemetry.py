"""What the app exports in Azure's own host, with Azure Monitor on as on Azure: little, and nothing about exporting."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from bench.programs import Mock, chat_line, jsonl
from tests import core_tools
from tests.azure_host.ingestion import Ingestion, ingesting
from tests.telemetry.test_platform import asked

SETTLES_SECONDS = 5
IDLE_SECONDS = 20
PATIENCE_SECONDS = 30
METRICS_SECONDS = 5  # Not the usual 60, so that metrics of a short batch are seen to come.
LINES = 1000
CHANGES = 4  # validating, in_progress, finalizing, completed


@pytest.fixture(scope="module")
def ingestion() -> Iterator[Ingestion]:
    with ingesting() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, ingestion: Ingestion) -> Iterator[core_tools.CoreTools]:
    """The app in Core Tools, a while after its start. Without Core Tools: a skip, but in CI a failure."""
    if missing := core_tools.missing():
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("azure_host")
    settings = {name: value for name, value in asked().items() if name.startswith("OTEL_")} | ingestion.settings
    settings |= {"OTEL_METRIC_EXPORT_INTERVAL": str(METRICS_SECONDS * 1000), "TMPDIR": str(folder)}
    settings["HOST_WORKER_LOG"] = "INFO"  # For a stand-in of the host; in the worker the root logger is at INFO anyway.
    upstream = Mock(folder)
    upstream.start()
    program = core_tools.CoreTools(folder, upstream.url, **settings)
    try:
        program.start()
        time.sleep(SETTLES_SECONDS)
        yield program
    finally:
        program.stop()
        upstream.stop()


def _about_exporting(ingestion: Ingestion, since: int) -> list[str]:
    return [str(item)[:500] for item in ingestion.about_exporting(since)]


def _told(ingestion: Ingestion) -> tuple[int, float, set[str]]:
    """Changes of state, lines that ended, and kinds of spans."""
    spans = {"batch.lane", "chat m"} & ingestion.dependencies()
    return ingestion.actions()["batch_changed"], ingestion.total("batch.requests"), spans


def _wait_for(arrived: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not arrived() and time.monotonic() < until:
        time.sleep(0.5)


def test_idle_app_is_nearly_silent(service: core_tools.CoreTools, ingestion: Ingestion) -> None:
    """At most one POST every two seconds, and none about another: what is exported must not be told in an export."""
    began, items = time.monotonic(), len(ingestion.items)
    time.sleep(IDLE_SECONDS)

    assert ingestion.since(began) <= IDLE_SECONDS / 2
    assert _about_exporting(ingestion, items) == []


def test_batch_is_told_in_few_posts(service: core_tools.CoreTools, ingestion: Ingestion) -> None:
    """Changes of state, counts of lines and spans of lanes arrive; a thousand lines are not a thousand items."""
    began, items = time.monotonic(), len(ingestion.items)
    batch = service.run(jsonl(*(chat_line(number) for number in range(1, LINES + 1))))
    expected = (CHANGES, LINES, {"batch.lane", "chat m"})
    _wait_for(lambda: _told(ingestion) == expected)

    assert batch.status == "completed"
    assert _told(ingestion) == expected
    assert ingestion.since(began) <= 40
    assert len(ingestion.events(items)) < LINES / 2
    assert _about_exporting(ingestion, items) == []
