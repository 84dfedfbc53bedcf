"""The workbook of the portal, made of the queries in docs/operations: `scripts/workbook` writes it.

Rule of this file: a query is a file that can be pasted in the portal as it is. What its first `let` lines fix, the
workbook's parameters choose. A test compares what this makes with infra/workbook.json.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
QUERIES = ROOT / "docs/operations"
WORKBOOK = ROOT / "infra/workbook.json"

WORKSPACE = "WORKSPACE_ID"  # infra/modules/workbook.bicep puts the id in its place.
SCHEMA = "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json"
LOGS = {"queryType": 0, "resourceType": "microsoft.operationalinsights/workspaces"}
HOUR = 3_600_000
PERIODS = tuple(hours * HOUR for hours in (1, 4, 12, 24, 72, 168, 720))
STATUSES = ("validating", "in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
PARAMETERS = {  # a query's own line -> what the workbook has instead
    'let wanted_model = "*";': 'let wanted_model = "{Model}";',
    'let wanted_status = "*";': 'let wanted_status = "{Status}";',
    'let wanted_batch = "";': 'let wanted_batch = "{Batch}";',
    "let grain = 1h;": "let grain = {TimeRange:grain};",
}
MODELS = """AppMetrics
| where Name == "batch.jobs"
| extend model = tostring(Properties["gen_ai.request.model"])
| where isnotempty(model)
| distinct model
| order by model asc
| project value = model, label = model
| union (print value = "*", label = "All")"""


@dataclass(frozen=True, kw_only=True)
class Tab:
    """A heading, a sentence under it, and (title, query, how it is drawn) of each part."""

    name: str
    text: str
    parts: tuple[tuple[str, str, str], ...]


TABS = (
    Tab(
        name="Overview",
        text="What runs, what waits, how it ended.",
        parts=(
            ("Not ended, now", "unfinished-now", "tiles"),
            ("Ended", "ended-summary", "table"),
            ("Batches by status", "batches-by-status", "barchart"),
            ("Not ended, oldest first", "oldest-running", "table"),
            ("Newest ends", "ended-batches", "table"),
        ),
    ),
    Tab(
        name="Throughput and latency",
        text="How fast lines get through, and how long upstreams take for one.",
        parts=(
            ("Lines a minute", "lines-per-minute", "timechart"),
            ("Lines by outcome", "requests-by-outcome", "barchart"),
            ("Calls of the upstream, seconds", "call-duration", "timechart"),
            ("Calls of the upstream, percentiles in milliseconds", "call-percentiles", "table"),
            ("Batches, seconds to begin and to end", "batch-duration", "timechart"),
        ),
    ),
    Tab(
        name="Tokens and cost",
        text="Tokens as upstreams counted them. The cost is an estimate: put your prices in the query's first lines.",
        parts=(
            ("Tokens", "tokens-by-model", "barchart"),
            ("Cost", "cost-estimate", "table"),
            ("Enqueued tokens and their limit", "enqueued-tokens", "timechart"),
        ),
    ),
    Tab(
        name="Errors",
        text="Failed lines, refused calls, and what the service itself did not expect.",
        parts=(
            ("Failed lines by class", "errors-by-class", "table"),
            ("Throttled and sent again", "throttling", "timechart"),
            ("Each upstream", "upstreams", "table"),
            ("Pauses", "pauses", "table"),
            ("Exceptions", "exceptions", "table"),
        ),
    ),
    Tab(
        name="Platform",
        text="The app and its storage. Executions and GB-seconds are metrics of the function app.",
        parts=(
            ("Instances", "instances", "timechart"),
            ("Calls of the API by status code", "http-requests", "barchart"),
            ("Functions by time, milliseconds", "slowest-routes", "table"),
            ("Seconds to make lines durable", "slow-storage", "timechart"),
            ("Storage trouble and repairs", "storage-trouble", "table"),
            ("Files, megabytes", "file-bytes", "barchart"),
        ),
    ),
    Tab(
        name="One batch",
        text="Put the id of a batch in the parameter Batch above.",
        parts=(
            ("Progress", "one-batch-progress", "timechart"),
            ("Lanes", "one-batch-lanes", "table"),
            ("Everything that names it", "one-batch", "table"),
        ),
    ),
)


def workbook() -> dict[str, Any]:
    """The document, as a template of the portal."""
    return {
        "version": "Notebook/1.0",
        "items": [_parameters(), _tabs(), *(_group(tab) for tab in TABS)],
        "fallbackResourceIds": [WORKSPACE],
        "$schema": SCHEMA,
    }


def query(name: str) -> str:
    """The query's file, with the workbook's parameters."""
    text = (QUERIES / f"{name}.kql").read_text(encoding="utf-8")
    for line, replacement in PARAMETERS.items():
        text = text.replace(line, replacement)
    return text


def _parameters() -> dict[str, Any]:
    time = _parameter("TimeRange", "Time", 4, value={"durationMs": 24 * HOUR}, isRequired=True)
    time["typeSettings"] = {"selectableValues": [{"durationMs": period} for period in PERIODS], "allowCustom": True}
    statuses = [{"value": "*", "label": "All"}, *({"value": status, "label": status} for status in STATUSES)]
    model = _parameter("Model", "Model", 2, value="*", query=MODELS, crossComponentResources=[WORKSPACE], **LOGS)
    model |= {"timeContext": {"durationMs": 0}, "timeContextFromParameter": "TimeRange"}
    choices = [
        time,
        model | {"typeSettings": {"additionalResourceOptions": []}},
        _parameter("Status", "Status", 2, value="*", jsonData=json.dumps(statuses)),
        _parameter("Batch", "Batch", 1, value=""),
    ]
    return {
        "type": 9,
        "content": {"version": "KqlParameterItem/1.0", "parameters": choices, "style": "pills", **LOGS},
        "name": "parameters",
    }


def _parameter(name: str, label: str, kind: int, **more: Any) -> dict[str, Any]:
    return {"id": _id(name), "version": "KqlParameterItem/1.0", "name": name, "label": label, "type": kind, **more}


def _tabs() -> dict[str, Any]:
    links = [
        {
            "id": _id(f"tab {tab.name}"),
            "cellValue": "Tab",
            "linkTarget": "parameter",
            "linkLabel": tab.name,
            "subTarget": tab.name,
            "style": "link",
        }
        for tab in TABS
    ]
    return {"type": 11, "content": {"version": "LinkItem/1.0", "style": "tabs", "links": links}, "name": "tabs"}


def _group(tab: Tab) -> dict[str, Any]:
    text = {"type": 1, "content": {"json": f"## {tab.name}\n{tab.text}"}, "name": f"{tab.name}: text"}
    parts = [_part(f"{tab.name}: {title}", title, name, drawn) for title, name, drawn in tab.parts]
    return {
        "type": 12,
        "content": {"version": "NotebookGroup/1.0", "groupType": "editable", "items": [text, *parts]},
        "conditionalVisibility": {"parameterName": "Tab", "comparison": "isEqualTo", "value": tab.name},
        "name": tab.name,
    }


def _part(name: str, title: str, file: str, drawn: str) -> dict[str, Any]:
    content: dict[str, Any] = {
        "version": "KqlItem/1.0",
        "query": query(file),
        "size": 0,
        "title": title,
        "noDataMessage": "Nothing in this time.",
        "timeContext": {"durationMs": 0},
        "timeContextFromParameter": "TimeRange",
        "crossComponentResources": [WORKSPACE],
        "visualization": drawn,
        **LOGS,
    }
    if drawn == "tiles":
        content["tileSettings"] = {
            "titleContent": {"columnMatch": "status", "formatter": 1},
            "leftContent": {"columnMatch": "batches", "formatter": 12},
            "showBorder": True,
        }
    return {"type": 3, "content": content, "name": name}


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"durable-batch/workbook/{name}"))


def written() -> str:
    return json.dumps(workbook(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    WORKBOOK.write_text(written(), encoding="utf-8")
    print(f"Wrote {WORKBOOK.relative_to(ROOT)}. Commit it with the queries.")
