"""The handler of reports between two dates (contract 9.4), on the same ledger as those of OpenAI's form."""

from __future__ import annotations

from typing import Final

from azurefunctions.extensions.http.fastapi import Request, Response

from api.edge.endpoint import Call, json_response
from api.edge.json_body import read_fields
from api.edge.mount import Route
from api.usage.dated_query import parse_dated_query
from api.usage.dated_rendering import render_dated_report
from api.usage.usage import bounded
from shared.domain.keys.scopes import Scope
from shared.domain.usage.report import Filter, GroupBy, buckets
from shared.run.usage.report import used_in
from shared.run.usage.users import user_of, users_of


async def report_usage(request: Request, call: Call) -> Response:
    query = parse_dated_query(await read_fields(request))
    which = bounded(Filter(models=query.models), call.caller)
    used = await used_in(call.service.stores.usage, query.span, which.only_project)
    used = [one for one in used if which.takes(one)]
    users = await users_of(call.service, used)
    wanted = [one for one in used if query.takes(users[user_of(one)])]
    found = buckets(query.span, wanted, which, GroupBy(project=True, key=True, model=True))
    return json_response(render_dated_report(query, found, users))


DATED_USAGE: Final = (Route("POST", "usage_reports", report_usage, Scope.USAGE),)
