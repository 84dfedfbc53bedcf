"""Ids, signs and texts of another project's in every parameter that takes one: none leads there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from activities.validate_input import validate_input
from api.edge.dialect import parse_batch_id
from shared.domain.batches.batch import Refused
from shared.domain.ids import to_base62, to_uuid
from shared.run.batches.change import change
from shared.services import Services, use
from tests.api.belongings import Belongings, ghost_of
from tests.api.harness import Clock, FakeClient
from tests.api.isolation.answers import STRANGER, essence, tells_nothing
from tests.api.made_keys import make_key, make_project
from tests.api.ways import BATCH, FORM, HOOK, PREFIXES, call


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_batch_of_their_file_fails_as_one_of_no_file(
    api: httpx.AsyncClient, services: Services, owner: str, theirs: Belongings, prefix: str
) -> None:
    """Whether it is created or only validated; so do ids of other kinds in the place of a file's."""
    for canonical in theirs.every_id():
        told = []
        for given in (canonical, ghost_of(canonical)):
            body = BATCH | {"input_file_id": given}
            validated = await call(api, prefix, "POST", "batches/validate", json=body)
            created = await call(api, prefix, "POST", "batches", json=body)
            batch_id = parse_batch_id(created.json()["id"])
            stored = await services.stores.batches.get(owner, batch_id or "")
            assert (stored is not None and stored.value.input_blob) == ""  # No byte of it was looked at.
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


SIGNS: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"idempotency-key": "k"}, {"idempotency-key": "k"}),
    ({"x-ms-client-request-id": "1"}, {"x-ms-client-request-id": "1"}),
    ({"x-stainless-retry-count": "0"}, {"x-stainless-retry-count": "1"}),
]


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_call_of_theirs_is_repeated_by_nobody_else(
    api: httpx.AsyncClient, services: Services, owner: str, durable: FakeClient, prefix: str
) -> None:
    """The very same call with the very same sign of a repetition: a batch of one's own, and its run."""
    key = (await make_key(services, await make_project(services))).headers
    for first, second in SIGNS:
        one = await call(api, prefix, "POST", "batches", json=BATCH, headers=first | key)
        other = await call(api, prefix, "POST", "batches", json=BATCH, headers=second)
        batch_id = parse_batch_id(other.json()["id"])
        assert parse_batch_id(one.json()["id"]) != batch_id, second
        assert await services.stores.batches.get(owner, batch_id or ""), second
        assert durable.started[-1][1] == batch_id, second


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


FILTERS = [
    "created_at gt 0 or PartitionKey eq '{owner}'",
    "status eq 'Completed'' or PartitionKey eq ''{owner}'",
    "status eq 'x') or (PartitionKey ge '' and status eq 'Completed'",
    "PartitionKey eq '{owner}'",
    "owner eq '{owner}'",
    "status eq 'Completed' or true",
]
TEXTS = ["batch' or PartitionKey ne '", f"' or PartitionKey eq '{STRANGER}", "'", "''", "batch'--", "a\u0000b"]


@pytest.mark.parametrize("prefix", ["openai", "openai/v1"])
async def test_a_filter_is_not_handed_to_the_store(api: httpx.AsyncClient, theirs: Belongings, prefix: str) -> None:
    """What is no filter of ours is refused before any store is asked."""
    for text in FILTERS:
        answer = await call(api, prefix, "GET", "batches", params={"$filter": text.format(owner=theirs.owner)})
        assert (answer.status_code, "Invalid '$filter'" in answer.text) == (400, True), text


async def test_no_parameter_reaches_the_language_of_the_store(api: httpx.AsyncClient, theirs: Belongings) -> None:
    """Quotes in what narrows a list find nothing, and nothing of the stranger's."""
    for text in TEXTS:
        for path, query in (("files", {"purpose": text}), ("batches", {f"metadata[{text}]": text})):
            answer = await call(api, "v1", "GET", path, params=query)
            assert (answer.status_code, answer.json()["data"]) == (200, []), text
        for path in ("files", "batches", "webhook_endpoints"):
            answer = await call(api, "v1", "GET", path, params={"after": text})
            assert (answer.status_code, tells_nothing(answer, theirs, text)) == (400, True), text
