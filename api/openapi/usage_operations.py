"""The reports of usage and costs in the OpenAPI document: what they take and what they answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.edge.dialect import OK, Dialect
from api.openapi.bodies import Parameter, body
from api.openapi.operation import Answers, Operation, json_answer, ok
from api.openapi.schemas import NUMBER, SECONDS, TEXT, WHOLE, Schema, one_of, only, or_null, record
from api.usage.dated_query import FILTERS, NEEDED, Interval
from api.usage.dated_rendering import REPORT
from api.usage.usage import NEXT_PAGE
from api.usage.usage_csv import MEDIA_TYPE
from api.usage.usage_query import COMPLETIONS, COSTS, EMBEDDINGS, IMAGES, MODERATIONS, Report
from shared.domain.usage.ledger import Width

_TAG = "Usage"
_COUNTED = ("input_cached_tokens", "input_cache_write_tokens", "input_uncached_tokens", "output_reasoning_tokens")
_COUNTS: Mapping[str, tuple[str, ...]] = {
    "completions": ("input_tokens", "output_tokens", *_COUNTED),
    "embeddings": ("input_tokens",),
    "moderations": ("input_tokens",),
    "images": ("images",),
}


def _result(report: Report) -> Schema:
    groups = {name: or_null({"type": "boolean"} if name == "batch" else TEXT) for name in report.groups}
    if report.kind is None:
        amount = record({"value": NUMBER, "currency": TEXT})
        costs = {"amount": amount, "quantity": or_null(WHOLE), "quantity_unit": or_null(TEXT)}
        return record({"object": only("organization.costs.result"), **costs, **groups})
    counts = ("num_model_requests", "num_failed_requests", *_COUNTS[report.kind])
    named = {"object": only(f"organization.usage.{report.kind}.result")}
    return record({**named, **dict.fromkeys(counts, WHOLE), **groups})


def _page(report: Report) -> Schema:
    bucket = record(
        {
            "object": only("bucket"),
            "start_time": SECONDS,
            "end_time": SECONDS,
            "results": {"type": "array", "items": _result(report)},
        }
    )
    return record(
        {
            "object": only("page"),
            "data": {"type": "array", "items": bucket},
            "has_more": {"type": "boolean"},
            "next_page": or_null(TEXT),
        }
    )


def _parameters(report: Report) -> list[Parameter]:
    most = max(most for _, most in report.limits.values())
    widths = {**one_of(width for width in Width if width in report.limits), "default": Width.DAY.value}
    seconds: Schema = {**SECONDS, "minimum": 0}
    return [
        {"name": "start_time", "in": "query", "required": True, "schema": seconds},
        {"name": "end_time", "in": "query", "schema": seconds},
        {"name": "bucket_width", "in": "query", "schema": widths},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": most}},
        {"name": "page", "in": "query", "schema": TEXT},
        _list("group_by", one_of(report.groups)),
        *(_list(name, TEXT) for name in ("project_ids", "user_ids", "api_key_ids")),
        *([_list("line_items", TEXT)] if report.kind is None else [_list("models", TEXT), _BATCH]),
        {"name": "format", "in": "query", "schema": {**one_of(("json", "csv")), "default": "json"}},
    ]


_BATCH: Parameter = {"name": "batch", "in": "query", "schema": {"type": "boolean"}}


def _list(name: str, item: Schema) -> Parameter:
    return {"name": name, "in": "query", "schema": {"type": "array", "items": item}}


def _operation(name: str, report: Report, summary: str) -> Operation:
    def answers(_: Dialect) -> Answers:
        answer: dict[str, Any] = json_answer(name, f"A page. As CSV, the next one is in `{NEXT_PAGE}`.")
        answer["content"][MEDIA_TYPE] = {"schema": TEXT}
        return {OK: answer}

    return Operation(tag=_TAG, summary=summary, answers=answers, parameters=lambda _: _parameters(report))


_REPORTS: Mapping[str, tuple[str, Report, str]] = {
    "report_completions": ("CompletionsUsage", COMPLETIONS, "Usage of chat completions, completions and responses"),
    "report_embeddings": ("EmbeddingsUsage", EMBEDDINGS, "Usage of embeddings"),
    "report_moderations": ("ModerationsUsage", MODERATIONS, "Usage of moderations"),
    "report_images": ("ImagesUsage", IMAGES, "Usage of images"),
    "report_costs": ("Costs", COSTS, "Costs"),
}
_DATED = "UsageReport"
_DATED_COUNTS = ("num_model_requests", "num_failed_requests", "input_tokens", "input_cached_tokens", "output_tokens")


def _dated_report() -> Schema:
    names = {name: or_null(TEXT) for name in ("api_key_id", "api_key_name", "project", "department")}
    costs = {"type": "array", "items": record({"value": NUMBER, "currency": TEXT})}
    counts = dict.fromkeys((*_DATED_COUNTS, "total_tokens", "images"), WHOLE)
    ids = {"model_id": TEXT, "project_id": TEXT}
    row = record({"start_time": SECONDS, "end_time": SECONDS, **ids, **names, **counts, "costs": costs})
    asked = {"start_date": TEXT, "end_date": TEXT, "interval": one_of(Interval)}
    return record({"object": only(REPORT), **asked, "data": {"type": "array", "items": row}})


def _dated_query(_: Dialect) -> dict[str, Any]:
    day: Schema = {"type": "string", "format": "date"}
    needed = {"model_ids": {"type": "array", "items": TEXT}, "start_date": day, "end_date": day}
    filters = {name: or_null(TEXT) for name in FILTERS}
    properties = {**needed, "interval": one_of(Interval), **filters}
    return body({"type": "object", "properties": properties, "required": list(NEEDED), "additionalProperties": False})


USAGE_COMPONENTS: Mapping[str, Schema] = {
    **{name: _page(report) for name, report, _ in _REPORTS.values()},
    _DATED: _dated_report(),
}
USAGE: Mapping[str, Operation] = {
    **{handler: _operation(*entry) for handler, entry in _REPORTS.items()},
    "report_usage": Operation(
        tag=_TAG, summary="Usage and costs between two dates", answers=ok(_DATED), body=_dated_query
    ),
}
