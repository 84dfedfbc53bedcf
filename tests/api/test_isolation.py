"""What is one project's does not exist for another, whichever route is asked in whichever dialect.

A stranger has one of each object. Every call here is another project's: an id of the stranger's is answered as one that
nobody ever issued, byte for byte; nothing of the stranger's is shown, counted or changed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from activities.validate_input import validate_input
from api.edge.dialect import parse_batch_id
from local_host.stores.stores import open_stores
from shared.azure.connect import azure_stores_from_connection_string
from shared.domain.batches.batch import Refused
from shared.domain.ids import to_base62, to_uuid
from shared.domain.keys.project import DEFAULT_PROJECT
from shared.ports.stores import Stores
from shared.run.batches.change import change
from shared.services import Services, use
from shared.settings import Settings
from tests.api.belongings import CREATE_KEY, MARK, Belongings, Furnisher, everything_of, ghost_of, spellings
from tests.api.harness import BLOCK_BYTES, KEY, MAX_FILE_BYTES, Clock, FakeClient, NoUpstream
from tests.api.made_keys import make_key, make_project, with_peppers
from tests.api.ways import BATCH, FORM, HOOK, OF_ADMINISTRATORS, PREFIXES, ROUTES, WAYS, call
from tests.contracts.conftest import fresh_names
from tests.fake_receivers import FakeReceivers

STRANGER = "01900000000070008000000000000002"
EVERY_CALL_DIFFERS = ("x-request-id", "apim-request-id")


@pytest.fixture(params=["local-project", "local-operator", "azurite-project"])
def setup(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The back end, and who calls: a project on what is the default project's, or the operator on a project's."""
    back_end, caller = request.param.split("-")
    return back_end, caller


@pytest.fixture
async def stores(request: pytest.FixtureRequest, setup: tuple[str, str], tmp_path: Path) -> AsyncIterator[Stores]:
    if setup[0] == "local":
        opened = open_stores(tmp_path)
    else:
        opened = azure_stores_from_connection_string(request.getfixturevalue("azurite"), fresh_names())
    yield opened
    await opened.close()


@pytest.fixture
async def services(stores: Stores, clock: Clock, receivers: FakeReceivers) -> AsyncIterator[Services]:
    settings = Settings(bootstrap_key=KEY, upload_block_bytes=BLOCK_BYTES, max_file_bytes=MAX_FILE_BYTES)
    built = Services(settings=settings, stores=stores, upstream=NoUpstream(), webhook_sender=receivers, now=clock)
    with use(with_peppers(built)) as installed:
        yield installed


@pytest.fixture
async def owner(anonymous: httpx.AsyncClient, services: Services, setup: tuple[str, str]) -> str:
    """The project that calls; every call has its key."""
    if setup[1] == "operator":
        anonymous.headers["authorization"] = f"Bearer {KEY}"
        return DEFAULT_PROJECT
    project = await make_project(services)
    anonymous.headers.update((await make_key(services, project)).headers)
    return project.id


@pytest.fixture
async def api(anonymous: httpx.AsyncClient, owner: str) -> httpx.AsyncClient:  # noqa: ARG001 - it has set the key
    return anonymous


@pytest.fixture
async def theirs(services: Services, clock: Clock, owner: str) -> AsyncIterator[Belongings]:
    """The stranger's objects: all of them are, whatever the test does, as they were before."""
    stranger = STRANGER if owner == DEFAULT_PROJECT else DEFAULT_PROJECT
    owned = await Furnisher(services, stranger, clock()).furnish()
    before = await everything_of(services, owned)
    clock.advance(seconds=1)
    yield owned
    assert await everything_of(services, owned) == before


def test_every_route_is_walked() -> None:
    """A new route says here what in it names an object."""
    assert set().union(*ROUTES.values()) == WAYS.keys()


async def test_no_route_of_administration_lets_a_project_in(
    anonymous: httpx.AsyncClient, services: Services, theirs: Belongings
) -> None:
    """Whatever it names: 403 before anything is looked up."""
    headers = (await make_key(services, await make_project(services))).headers
    for method, path in OF_ADMINISTRATORS:
        named = re.sub(r"{\w+}", theirs.every_id()[0], path)
        answer = await anonymous.request(method, f"/{named}", headers=headers, json={"name": "x"})
        assert (answer.status_code, tells_nothing(answer, theirs)) == (403, True), (method, path)


def essence(response: httpx.Response, given: str) -> tuple[int, list[tuple[str, str]], str]:
    """All of an answer that a caller sees, but for the id that it gave, and ids of the call itself."""
    headers = [(name, text) for name, text in response.headers.items() if name not in EVERY_CALL_DIFFERS]
    return response.status_code, sorted(headers), response.text.replace(given, "<id>")


def tells_nothing(response: httpx.Response, theirs: Belongings, *given: str) -> bool:
    """Neither a text nor an id of the stranger's, other than those that the caller gave."""
    text = response.text
    for one in given:
        text = text.replace(one, "")
    known = (form for id_ in theirs.every_id() for form in (id_, to_uuid(id_), to_base62(id_)))
    return MARK not in text and STRANGER not in text and not any(form in text for form in known)


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
    {"status": "in_progress"},
    {"created_after": "0", "created_before": "9999999999"},
    {"$filter": "created_at gt 0 or status eq 'Completed'", "$orderby": "created_at asc"},
    {"owner": STRANGER, "project": STRANGER, "project_id": STRANGER},
]


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_batch_of_their_file_fails_as_one_of_no_file(
    api: httpx.AsyncClient, owner: str, theirs: Belongings, prefix: str
) -> None:
    """Whether it is created or only validated; so do ids of other kinds in the place of a file's."""
    for canonical in theirs.every_id():
        told = []
        for given in (canonical, ghost_of(canonical)):
            body = BATCH | {"input_file_id": given}
            validated = await call(api, prefix, "POST", "batches/validate", json=body)
            created = await call(api, prefix, "POST", "batches", json=body)
            batch_id = parse_batch_id(created.json()["id"])
            assert await validate_input({"owner": owner, "batch_id": batch_id}) == {"outcome": "refused"}
            failed = await call(api, prefix, "GET", f"batches/{batch_id}")
            assert all(tells_nothing(answer, theirs, *forms(given)) for answer in (validated, created, failed))
            told.append((without(validated.text, given), without(failed.json()["errors"], given)))
        assert told[0] == told[1]
        assert "Cannot find file" in told[0][1]


def forms(canonical: str) -> tuple[str, ...]:
    return canonical, to_uuid(canonical), to_base62(canonical)


def without(answer: Any, given: str) -> str:
    text = str(answer)
    for form in forms(given):
        text = text.replace(form, "<id>")
    return text


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_parts_of_their_upload_complete_no_other(api: httpx.AsyncClient, theirs: Belongings, prefix: str) -> None:
    """Not even one of the same bytes; and the refusal is that of a part that never was."""
    sizes = {"filename": "a.jsonl", "purpose": "batch", "bytes": 91, "mime_type": "application/jsonl"}
    upload_id = (await call(api, prefix, "POST", "uploads", json=sizes)).json()["id"]
    told = []
    for part_id in (theirs.part_id, ghost_of(theirs.part_id)):
        body = {"part_ids": [part_id]}
        answer = await call(api, prefix, "POST", f"uploads/{upload_id}/complete", json=body)
        told.append(essence(answer, part_id))
    assert (told[0][0], told[0]) == (400, told[1])


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_an_idempotency_key_of_theirs_is_a_key_like_any(
    api: httpx.AsyncClient, services: Services, owner: str, theirs: Belongings, durable: FakeClient, prefix: str
) -> None:
    """It makes a batch of one's own, once."""
    answers = [
        await call(api, prefix, "POST", "batches", json=BATCH, headers={"idempotency-key": CREATE_KEY})
        for _ in range(2)
    ]
    (batch,) = await services.stores.batches.list(owner, limit=9)
    assert [answer.json()["id"] for answer in answers] == [answers[0].json()["id"]] * 2
    assert all(tells_nothing(answer, theirs) for answer in answers)
    assert [started[1] for started in durable.started] == [batch.id]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"idempotency-key": "k"}, {"idempotency-key": "k"}),
        ({"x-ms-client-request-id": "1"}, {"x-ms-client-request-id": "1"}),
        ({"x-stainless-retry-count": "0"}, {"x-stainless-retry-count": "1"}),
    ],
)
async def test_a_call_of_theirs_is_repeated_by_nobody_else(
    api: httpx.AsyncClient,
    services: Services,
    owner: str,
    first: dict[str, str],
    second: dict[str, str],
) -> None:
    """The very same call with the very same sign of a repetition: a batch of one's own."""
    project = await make_project(services)
    key = (await make_key(services, project)).headers
    one = await call(api, "v1", "POST", "batches", json=BATCH, headers=first | key)
    other = await call(api, "v1", "POST", "batches", json=BATCH, headers=second)
    (batch,) = await services.stores.batches.list(owner, limit=9)
    assert one.json()["id"] != other.json()["id"] == f"batch_{batch.id}"


async def test_limits_count_what_is_ones_own(api: httpx.AsyncClient, services: Services, theirs: Belongings) -> None:
    """One file, one endpoint: the stranger has used up nothing of it. The refusal tells the limit only."""
    own = {"max_files_with_expiry": 1, "max_files_without_expiry": 1, "max_stored_bytes": 300}
    with use(replace(services, settings=replace(services.settings, max_webhook_endpoints=1, **own))):
        for path, options in (("files", FORM), ("webhook_endpoints", {"json": HOOK})):
            first, second = [await call(api, "v1", "POST", path, **options) for _ in range(2)]
            assert (first.status_code, second.status_code) == (200, 400)
            assert tells_nothing(second, theirs)


async def test_their_endpoints_hear_of_their_batches_alone(
    api: httpx.AsyncClient, services: Services, owner: str, theirs: Belongings, clock: Clock
) -> None:
    """The end of a batch is announced to its own project's endpoints."""
    body = HOOK | {"event_types": ["batch.failed"]}
    mine = (await call(api, "v1", "POST", "webhook_endpoints", json=body)).json()
    await call(api, "v1", "POST", "batches", json=BATCH)
    (batch,) = await services.stores.batches.list(owner, limit=9)
    await change(services, batch, Refused(errors=()))
    clock.advance(hours=1)
    owed = [stored.value async for stored in services.stores.deliveries.due(clock() + timedelta(days=1))]
    assert [(f"we_{one.endpoint_id}", one.owner) for one in owed] == [(mine["id"], owner)]


@pytest.mark.parametrize("prefix", ["openai", "openai/v1"])
@pytest.mark.parametrize(
    "text",
    [
        "created_at gt 0 or PartitionKey eq '{owner}'",
        "status eq 'Completed'' or PartitionKey eq ''{owner}'",
        "status eq 'x') or (PartitionKey ge '' and status eq 'Completed'",
        "PartitionKey eq '{owner}'",
        "owner eq '{owner}'",
        "status eq 'Completed' or true",
    ],
)
async def test_a_filter_is_not_handed_to_the_store(
    api: httpx.AsyncClient, theirs: Belongings, prefix: str, text: str
) -> None:
    """What is no filter of ours is refused before any store is asked."""
    answer = await call(api, prefix, "GET", "batches", params={"$filter": text.format(owner=theirs.owner)})
    assert (answer.status_code, "Invalid '$filter'" in answer.text) == (400, True)


@pytest.mark.parametrize(
    "text", ["batch' or PartitionKey ne '", f"' or PartitionKey eq '{STRANGER}", "'", "''", "batch'--", "a\u0000b"]
)
async def test_no_parameter_reaches_the_language_of_the_store(
    api: httpx.AsyncClient, theirs: Belongings, text: str
) -> None:
    """Quotes in what narrows a list find nothing, and nothing of the stranger's."""
    for path, query in (("files", {"purpose": text}), ("batches", {f"metadata[{text}]": text})):
        answer = await call(api, "v1", "GET", path, params=query)
        assert (answer.status_code, answer.json()["data"]) == (200, [])
    for path in ("files", "batches", "webhook_endpoints"):
        answer = await call(api, "v1", "GET", path, params={"after": text})
        assert (answer.status_code, tells_nothing(answer, theirs, text)) == (400, True)
