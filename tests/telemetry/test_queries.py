"""Queries of docs/operations, the workbook and the alerts say only what the service tells."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.telemetry.kql import problems

ROOT = Path(__file__).parents[2]
QUERIES = sorted((ROOT / "docs/operations").glob("*.kql"))
WORKBOOK = ROOT / "infra/workbook.json"
ALERTS = ROOT / "infra/modules/alerts.bicep"
PARAMETERS = {"{Model}": "*", "{Status}": "*", "{Batch}": "", "{TimeRange:grain}": "1h"}


def _workbook_queries(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("query"), str):
            yield node["query"]
        for child in node.values():
            yield from _workbook_queries(child)
    elif isinstance(node, list):
        for child in node:
            yield from _workbook_queries(child)


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_query_names_only_what_is_declared(path: Path) -> None:
    """Every table, column, metric, dimension and action of a query file is known."""
    assert problems(path.read_text()) == []


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_query_says_what_it_shows(path: Path) -> None:
    """A query begins with a comment that a person reads in the portal."""
    assert path.read_text().startswith("// ")


def test_workbook_names_only_what_is_declared() -> None:
    """So do the workbook's queries, with its parameters filled in."""
    queries = list(_workbook_queries(json.loads(WORKBOOK.read_text())))
    for parameter, value in PARAMETERS.items():
        queries = [query.replace(parameter, value) for query in queries]

    assert len(queries) > 20
    assert [problem for query in queries for problem in problems(query)] == []
    assert [query for query in queries if re.search(r"\{\w", query)] == []


def test_workbook_is_made_of_the_queries() -> None:
    """infra/workbook.json is what scripts/workbook writes."""
    assert WORKBOOK.read_text() == runpy.run_path(str(ROOT / "scripts/lib/workbook.py"))["written"]()


def test_every_query_is_used() -> None:
    """Each query file is in the workbook or rings an alert."""
    shown = {name for tab in runpy.run_path(str(ROOT / "scripts/lib/workbook.py"))["TABS"] for _, name, _ in tab.parts}
    rings = set(re.findall(r"operations/([\w-]+)\.kql", ALERTS.read_text()))

    assert shown | rings == {path.stem for path in QUERIES}
    assert not shown & rings


def test_thirteen_alerts_are_listed_with_their_runbooks() -> None:
    """The list for people has the alerts of the template: names, severities, and one section of the guide for each."""
    template = ALERTS.read_text()
    queried = re.findall(r"name: '([\w-]+)'\n\s+title: '[^']+'\n\s+severity: (\d)", template)
    metrics = re.findall(r"name: '\$\{prefix\}-([\w-]+)'\n.*?severity: (\d)", template, re.DOTALL)
    deployed = {(name, severity) for name, severity in [*queried, *metrics] if "$" not in name}
    listed = re.findall(
        r"^\| ([\w-]+) \| (\d) \|.*`operations\.md#alert-\1` \|$",
        (ROOT / "docs/operations/alerts.md").read_text(),
        re.MULTILINE,
    )

    assert len(listed) == 13
    assert set(listed) == deployed


@pytest.mark.parametrize(
    ("error", "rings"),
    [
        ("ResponseBodyCanceled", False),  # It left in the middle of a download,
        ("ResponseBodyClient", False),
        ("RequestBodyCanceled", False),  # or of an upload,
        ("RequestBodyClient", False),
        ("RequestCanceled", False),  # or before the answer began.
        ("RequestTimedOut", True),
        ("Request", True),  # The worker is gone.
        ("RequestBodyDestination", True),
        ("ResponseBodyDestination", True),
    ],
)
def test_a_client_that_leaves_rings_no_alert(error: str, rings: bool) -> None:
    """The host fails the invocation with this sentence; the errors are those of its proxy (YARP's ForwarderError)."""
    query = (ROOT / "docs/operations/alert-exceptions.kql").read_text()
    expected = re.search(r'where not\(tostring\(Details\) matches regex "([^"]+)"\)', query)
    details = f'[{{"message": "Failed to proxy request with ForwarderError: {error}", "severityLevel": "Error"}}]'

    assert expected is not None
    assert (re.search(expected[1], details) is None) is rings


@pytest.mark.parametrize(
    ("mistake", "found"),
    [
        ('AppMetrics | where Name == "batch.job"', "no metric or span is called batch.job"),
        ('AppMetrics | where Name in ("batch.jobs", "batch.cost")', "no metric or span is called batch.cost"),
        (
            'AppMetrics | where Name == "batch.jobs" | where tostring(Properties["batch.outcome"]) == "x"',
            "no dimension",
        ),
        ('AppTraces | where tostring(Properties["action"]) == "batch_change"', "has the action batch_change"),
        ('AppTraces | where tostring(Properties["batchid"]) == "x"', "no dimension batchid"),
        ('AppMetrics | extend status = tostring(Properties.status) | where status == "failed"', "not written as"),
        ('AppMetrics | extend status = tostring(Properties["batch.status"]) | where status == "done"', "is never done"),
        ("AppMetric | summarize count()", "no table is called AppMetric"),
        ("AppTraces | summarize sum(Sum)", "Sum is neither"),
        ("AppTraces | summarise count()", "summarise is neither"),
        ("AppTraces | summarize (count()", "( is not closed"),
        ('AppTraces | where Message == "x', "a quote is not closed"),
    ],
)
def test_mistake_is_found(mistake: str, found: str) -> None:
    """A wrong name, a wrong table, a typing error: each is told."""
    assert found in "\n".join(problems(mistake))
