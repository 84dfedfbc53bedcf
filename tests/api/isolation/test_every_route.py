"""What is one project's does not exist for another, whichever route is asked in whichever dialect.

A stranger has one of each object. Every call here is another project's: an id of the stranger's is answered as one that
nobody ever issued, byte for byte; nothing of the stranger's is shown, counted or changed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import httpx
import pytest

from api.mounts import MOUNTS
from shared.domain.keys.scopes import Scope
from shared.services import Services
from tests.api.belongings import MARK, Belongings, ghost_of, spellings
from tests.api.harness import Clock, FakeClient
from tests.api.isolation.answers import STRANGER, essence, tells_nothing
from tests.api.made_keys import make_key, make_project
from tests.api.ways import DATED_REPORT, OF_ADMINISTRATORS, PREFIXES, REPORTS, ROUTES, WAYS, call
from tests.contracts.samples import a_ledger_row, a_tally
from tests.fake_receivers import FakeReceivers


def test_every_route_is_walked() -> None:
    """A new route says here what in it names an object."""
    assert set().union(*ROUTES.values()) == WAYS.keys()
    reports = {
        (route.method, route.path) for mount in MOUNTS for route in mount.all_routes if route.scope is Scope.USAGE
    }
    assert reports == REPORTS | {DATED_REPORT}


async def test_reports_tell_of_nobody_else(anonymous: httpx.AsyncClient, services: Services, clock: Clock) -> None:
    """With a real key: neither unasked nor by name are the stranger's tokens counted or named."""
    own = await make_project(services)
    headers = (await make_key(services, own)).headers
    rows = [
        a_ledger_row(number, project=project, sealed_at=clock.now, tally=a_tally(7, endpoint=endpoint, model=project))
        for project in (STRANGER, own.id)
        for number, endpoint in enumerate(("/v1/chat/completions", "/v1/embeddings"))
    ]
    for row in rows:
        await services.stores.usage.write([row])
    start = int(clock.now.timestamp()) - 3600
    seen: set[int] = set()
    for _, path in sorted(REPORTS):
        for query in ({}, {"project_ids[]": f"proj_{STRANGER}"}, {"models[]": STRANGER}, {"group_by[]": "project_id"}):
            params = {"start_time": start} | ({} if path == "costs" and "models[]" in query else query)
            answer = await anonymous.get(f"/v1/organization/{path}", params=params, headers=headers)
            assert (answer.status_code, STRANGER in answer.text) == (200, False), (path, query)
            seen |= {one["input_tokens"] for bucket in answer.json()["data"] for one in bucket["results"]}
    assert seen == {7}


async def test_a_report_of_dates_tells_of_nobody_else(
    anonymous: httpx.AsyncClient, services: Services, clock: Clock
) -> None:
    """Nor does one that is asked for by the stranger's project, department, key or model."""
    named = {"name": "Theirs", "labels": {"department": "theirs"}}
    theirs = await make_project(services, id=STRANGER, **named)
    their_key = await make_key(services, theirs, name="their-key")
    own = await make_project(services, **named)
    headers = (await make_key(services, own)).headers
    for number, (project, key_id) in enumerate(((STRANGER, their_key.record.id), (own.id, None))):
        tally = a_tally(7, model="m", key_id=key_id)
        row = a_ledger_row(number, project=project, sealed_at=clock.now, tally=tally)
        await services.stores.usage.write([row])
    day = clock.now.date().isoformat()
    for asked in (
        {},
        {"project": f"proj_{STRANGER}"},
        {"project": "Theirs"},
        {"department": "theirs"},
        {"api_key_name": "their-key"},
    ):
        body = {"model_ids": ["m"], "start_date": day, "end_date": day, "interval": "per_day", **asked}
        answer = await anonymous.request(DATED_REPORT[0], "/logs/v1/admin/usage_reports", json=body, headers=headers)
        seen = [(row["project_id"], row["input_tokens"]) for row in answer.json()["data"]]
        assert seen == ([] if set(asked.values()) & {f"proj_{STRANGER}", "their-key"} else [(f"proj_{own.id}", 7)])
        assert STRANGER not in answer.text


async def test_no_route_of_administration_lets_a_project_in(
    anonymous: httpx.AsyncClient, services: Services, theirs: Belongings
) -> None:
    """Whatever it names: 403 before anything is looked up."""
    headers = (await make_key(services, await make_project(services))).headers
    for method, path in OF_ADMINISTRATORS:
        named = re.sub(r"{\w+}", theirs.every_id()[0], path)
        answer = await anonymous.request(method, f"/{named}", headers=headers, json={"name": "x"})
        assert (answer.status_code, tells_nothing(answer, theirs)) == (403, True), (method, path)


@pytest.mark.parametrize("prefix", [prefix for prefix, routes in ROUTES.items() if routes])
async def test_an_id_in_a_path_is_as_unknown_as_one_that_never_was(
    api: httpx.AsyncClient,
    theirs: Belongings,
    durable: FakeClient,
    receivers: FakeReceivers,
    setup: tuple[str, str],
    prefix: str,
) -> None:
    """404 in every spelling, the same bytes and headers. In the emulator, where each call is dear, in one spelling."""
    for (method, path), kind, real, ghost in asked(theirs, prefix, None if setup[0] == "local" else 1):
        options = WAYS[method, path].options or {}
        told = []
        for given in (real, ghost):
            answer = await call(api, prefix, method, path.format_map({f"{kind}_id": given}), **options)
            told.append(essence(answer, shown(given)))
        assert (told[0][0], told[0]) == (404, told[1]), (method, path, real)
    assert (durable.started, receivers.requests) == ([], [])


@pytest.mark.parametrize("prefix", ["openai", "v1"])
async def test_neither_does_an_escaped_slash_lead_there(
    api: httpx.AsyncClient, theirs: Belongings, durable: FakeClient, prefix: str
) -> None:
    """Azure's clients for .NET write `uploads%2F{id}%2Fparts`, which is the same route (contract 9.6)."""
    for (method, path), kind, real, ghost in asked(theirs, prefix, 1):
        options, told = WAYS[method, path].options or {}, []
        for given in (real, ghost):
            escaped = path.format_map({f"{kind}_id": given}).replace("/", "%2F")
            told.append(essence(await call(api, prefix, method, escaped, **options), given))
        assert (told[0][0], told[0]) == (404, told[1]), (method, path)
    assert durable.started == []


def asked(theirs: Belongings, prefix: str, most: int | None) -> Iterator[tuple[tuple[str, str], str, str, str]]:
    """Each route with an id in its path, the kind of that, and each spelling of one of theirs and of one of nobody's."""
    for route in sorted(ROUTES[prefix]):
        way = WAYS[route]
        for canonical in theirs.ids.get(way.path_names or "", []):
            kind = way.path_names or ""
            pairs = zip(spellings(kind, canonical), spellings(kind, ghost_of(canonical)), strict=True)
            for real, ghost in itertools.islice(pairs, most):
                yield route, kind, real, ghost


def shown(spelled: str) -> str:
    """As messages quote it: a path is decoded."""
    return bytes.fromhex(spelled.replace("%", "")).decode() if "%" in spelled else spelled


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("path", ["files", "batches", "webhook_endpoints"])
async def test_lists_hold_what_is_ones_own(api: httpx.AsyncClient, theirs: Belongings, prefix: str, path: str) -> None:
    """With no parameter, and with every position, order and filter that could lead to the stranger's."""
    kind = WAYS["GET", path].lists or ""
    positions = [form for id_ in theirs.ids[kind] for form in spellings(kind, id_) if "%" not in form]
    queries: list[dict[str, str]] = [{}, *({"after": one, "order": order} for one in positions for order in ORDERS)]
    for query in [*queries, *FILTERS]:
        answer = await call(api, prefix, "GET", path, params=query)
        assert (answer.status_code, answer.json()["data"], answer.json().get("has_more", False)) == (200, [], False)
        assert tells_nothing(answer, theirs)


ORDERS = ("asc", "desc")
FILTERS: list[dict[str, str]] = [
    {"purpose": "batch"},
    {"purpose": "batch_output"},
    {"metadata[team]": MARK},
    {"status": "in_progress,completed"},
    {"model": "m"},
    {"created_after": "0", "created_before": "9999999999"},
    {"$filter": "created_at gt 0 or status eq 'Completed'", "$orderby": "created_at asc"},
    {"owner": STRANGER, "project": STRANGER, "project_id": STRANGER},
]
