"""Handlers of the usage and costs reports (contract 10.4).

Rule of this file: an administrator sees all projects, any other caller its own, whatever it asks for.
"""

from __future__ import annotations

from typing import Final

from azurefunctions.extensions.http.fastapi import Request, Response
from msgspec.structs import replace

from api.edge.dialect import OK
from api.edge.endpoint import Call, json_response
from api.edge.mount import Route
from api.usage.usage_csv import MEDIA_TYPE, write_csv
from api.usage.usage_query import (
    COMPLETIONS,
    COSTS,
    EMBEDDINGS,
    IMAGES,
    MODERATIONS,
    Report,
    UsageQuery,
    parse_usage_query,
)
from api.usage.usage_rendering import render_usage_page
from shared.domain.keys.caller import Caller
from shared.domain.keys.scopes import Scope
from shared.domain.parameters import unsupported
from shared.domain.usage.report import Bucket, Filter, buckets, by_line_item
from shared.run.usage.report import used_in

NEXT_PAGE: Final = "x-next-page"  # of a CSV, which has no other place for it


async def report_completions(request: Request, call: Call) -> Response:
    return await _answer(request, call, COMPLETIONS)


async def report_embeddings(request: Request, call: Call) -> Response:
    return await _answer(request, call, EMBEDDINGS)


async def report_moderations(request: Request, call: Call) -> Response:
    return await _answer(request, call, MODERATIONS)


async def report_images(request: Request, call: Call) -> Response:
    return await _answer(request, call, IMAGES)


async def report_costs(request: Request, call: Call) -> Response:
    return await _answer(request, call, COSTS)


USAGE: Final = (
    Route("GET", "usage/completions", report_completions, Scope.USAGE),
    Route("GET", "usage/embeddings", report_embeddings, Scope.USAGE),
    Route("GET", "usage/moderations", report_moderations, Scope.USAGE),
    Route("GET", "usage/images", report_images, Scope.USAGE),
    Route("GET", "costs", report_costs, Scope.USAGE),
)


async def _answer(request: Request, call: Call, report: Report) -> Response:
    is_csv = _wants_csv(request)
    query = parse_usage_query(report, request.query_params.multi_items(), call.service.now())
    page = render_usage_page(report, query, await _read(call, query))
    if not is_csv:
        return json_response(page)
    headers = {NEXT_PAGE: query.next_page} if query.next_page else None
    return Response(write_csv(page), OK, headers, media_type=MEDIA_TYPE)


async def _read(call: Call, query: UsageQuery) -> list[Bucket]:
    which = bounded(query.which, call.caller)
    used = await used_in(call.service.stores.usage, query.span, which.only_project)
    return buckets(query.span, by_line_item(used) if query.has_line_items else used, which, query.by)


def bounded(which: Filter, caller: Caller) -> Filter:
    """What of it the caller may see."""
    if caller.project is None:
        return which
    own = frozenset({caller.project.id})
    return replace(which, projects=own if which.projects is None else own & which.projects)


def _wants_csv(request: Request) -> bool:
    """By the parameter `format`; without it, by `Accept`."""
    if text := request.query_params.get("format"):
        if text not in ("json", "csv"):
            raise unsupported("format", text, ("json", "csv"))
        return text == "csv"
    return request.headers.get("accept", "").lower().startswith("text/csv")
