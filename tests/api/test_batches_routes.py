"""Create, retrieve, list and cancel, through every dialect."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from shared.domain.batches.batch import (
    Batch,
    BatchError,
    CancelRequested,
    Event,
    Finished,
    Refused,
    RequestsDone,
    RunLost,
    Validated,
    apply,
)
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.restarts import progress_of
from shared.domain.pace.heartbeat import Heartbeat, TargetBeat
from shared.domain.usage.usage import Usage
from shared.domain.vendors.vendor import Vendor
from shared.ports.base import Changed
from shared.services import Services, use
from tests.api.harness import Clock, FakeClient
from tests.with_stores import with_stores

Send = Callable[..., Awaitable[httpx.Response]]
VERSION = "?api-version=2024-10-21"
VALIDATED = Validated(deployment="m", total=10, chunks=2, input_tokens=100)
OUTPUT, ERRORS = "0197f000000070008000000000000001", "0197f000000070008000000000000002"
FINISHED = Finished(
    completed=9,
    failed=1,
    usage=Usage(input_tokens=70, cached_tokens=7, output_tokens=30, reasoning_tokens=3),
    model="m-2026",
    output_file_id=OUTPUT,
    error_file_id=ERRORS,
)


async def stored(services: Services) -> Batch:
    """The one batch there is."""
    (batch,) = await services.stores.batches.list("default", limit=10)
    return batch


async def advance(services: Services, *events: Event) -> None:
    """Apply `events` to the one batch there is."""
    found = await services.stores.batches.get("default", (await stored(services)).id)
    assert found
    batch = found.value
    for event in events:
        batch = apply(batch, event, services.now())
    await services.stores.batches.replace(batch, found.version)


async def test_a_new_batch_in_the_openai_dialect(create: Send, upload: Send) -> None:
    """200, every key present, explicit nulls, zeros (contract 1.7, 9.1 no. 14)."""
    file_id = (await upload()).json()["id"]
    response = await create(input_file_id=file_id, metadata={"a": "b"})
    batch = response.json()

    assert response.status_code == 200
    assert re.fullmatch("batch_[0-9a-f]{32}", batch.pop("id"))
    assert batch == {
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "model": None,
        "errors": None,
        "input_file_id": file_id,
        "completion_window": "24h",
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": 1767323045,
        "in_progress_at": None,
        "expires_at": 1767323045 + 86400,
        "finalizing_at": None,
        "completed_at": None,
        "failed_at": None,
        "expired_at": None,
        "cancelling_at": None,
        "cancelled_at": None,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "usage": {
            "input_tokens": 0,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 0,
        },
        "metadata": {"a": "b"},
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/batches", 200),
        ("/openai/v1/batches", 200),
        ("/openai/batches?api-version=2024-10-21", 200),
        ("/openai/batches?api-version=2025-04-01-preview", 201),
        ("/openai/deployments/gpt/batches?api-version=2024-10-21", 200),
    ],
)
async def test_success_codes(create: Send, path: str, status: int) -> None:
    """Contract 1.4, 9.6: Azure v1 answers 200, because the official client for .NET loses a batch at a 201."""
    assert (await create(path=path)).status_code == status


@pytest.mark.parametrize("path", ["/openai/v1/batches", f"/openai/batches{VERSION}"])
@pytest.mark.parametrize("endpoint", ["/chat/completions", "/v1/chat/completions"])
async def test_a_new_batch_in_the_azure_dialects(create: Send, services: Services, path: str, endpoint: str) -> None:
    """Both spellings of the endpoint are accepted, the short one answered; the id is a UUID (contract 1.5.5, 1.7)."""
    batch = (await create(path=path, endpoint=endpoint)).json()

    assert batch["endpoint"] == "/chat/completions"
    assert re.fullmatch("batch_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", batch["id"])
    assert (await stored(services)).endpoint == "/v1/chat/completions"


async def test_openai_knows_no_short_endpoints(create: Send) -> None:
    """Azure's spelling is Azure's (contract 1.5.5)."""
    assert (await create(endpoint="/chat/completions")).status_code == 400


@pytest.mark.parametrize(("path", "vendor"), [("/v1/batches", Vendor.OPENAI), ("/openai/v1/batches", Vendor.AZURE)])
async def test_a_batch_keeps_its_vendors_rules(create: Send, services: Services, path: str, vendor: Vendor) -> None:
    """Set by the dialect it was created in, whatever dialect asks later."""
    await create(path=path)

    assert (await stored(services)).vendor is vendor


async def test_the_run_is_started_under_the_batchs_id(create: Send, durable: FakeClient, services: Services) -> None:
    """So that the run can always be found from the batch."""
    await create()
    batch = await stored(services)

    [(name, instance_id, run_input)] = durable.started
    assert ("run_batch", batch.id) == (name, instance_id)
    assert {"owner": "default", "batch_id": batch.id, "run": run_input["run"]} == run_input
    assert run_input["run"]


async def test_a_run_that_cannot_be_started_is_no_error(
    create: Send, durable: FakeClient, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """The batch exists and is repaired later; an error would make the caller create a second one."""
    durable.error = RuntimeError("the task hub is down")
    with caplog.at_level(logging.ERROR):
        response = await create()

    assert (response.status_code, (await stored(services)).status.value) == (200, "validating")
    assert [record.action for record in caplog.records] == ["start_run"]


async def test_the_record_knows_the_input_files_bytes(create: Send, upload: Send, services: Services) -> None:
    """Canonical id and blob, whatever spelling the caller used."""
    file_id = (await upload(path="/openai/v1/files")).json()["id"]
    await create(input_file_id=file_id)
    (file,) = await services.stores.files.list("default", limit=1)
    batch = await stored(services)

    assert (batch.input_file_id, batch.input_blob) == (file.id, file.blob)


@pytest.mark.parametrize("file_id", ["file-nope", "", "file-" + "0" * 32, "ключ/../x"])
async def test_an_unknown_input_file_is_found_out_later(create: Send, services: Services, file_id: str) -> None:
    """Contract 1.5.5: a nonsense file id still answers 200 `validating`."""
    response = await create(input_file_id=file_id)

    assert (response.status_code, response.json()["status"]) == (200, "validating")
    assert (await stored(services)).input_blob == ""


async def test_nonsense_comes_back_as_it_was_given(create: Send) -> None:
    """What is no id has no other spelling."""
    assert (await create(input_file_id="file-nope")).json()["input_file_id"] == "file-nope"


@pytest.mark.parametrize(
    ("changes", "message", "param", "code"),
    [
        (
            {"input_file_id": ...},
            "Missing required parameter: 'input_file_id'.",
            "input_file_id",
            "missing_required_parameter",
        ),
        (
            {"completion_window": "1h"},
            "Invalid value: '1h'. Supported values are: '24h'.",
            "completion_window",
            "invalid_value",
        ),
        (
            {"metadata": {"tags": ["a"]}},
            "Invalid type for 'metadata.tags': expected a string, but got an array instead.",
            "metadata.tags",
            "invalid_type",
        ),
    ],
)
async def test_a_wrong_body_creates_nothing(
    create: Send, services: Services, durable: FakeClient, changes: dict[str, Any], message: str, param: str, code: str
) -> None:
    """400 with the literal of contract 1.3."""
    response = await create(**changes)

    assert response.status_code == 400
    assert response.json() == {
        "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    }
    assert (await services.stores.batches.list("default", limit=1), durable.started) == ([], [])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/openai/batches{VERSION}", {"code": "invalidPayload", "target": "endpoint"}),
        ("/openai/v1/batches", {"code": "invalidPayload", "param": "endpoint", "type": "error"}),
    ],
)
async def test_a_wrong_body_in_the_azure_dialects(create: Send, path: str, expected: dict[str, str]) -> None:
    """The envelopes of contract 1.3."""
    error = (await create(path=path, endpoint=...)).json()["error"]

    assert error == expected | {"message": "Missing required parameter: 'endpoint'."}


@pytest.mark.parametrize("body", [b"", b"not json", b"[" * 200_000, b'"\xff"'], ids=["empty", "text", "deep", "bytes"])
async def test_a_body_that_is_no_json(api: httpx.AsyncClient, body: bytes) -> None:
    """400 that says what to send."""
    response = await api.post("/v1/batches", content=body)

    assert (response.status_code, "Send a JSON object" in response.text) == (400, True)


async def test_a_body_that_is_too_large(api: httpx.AsyncClient) -> None:
    """Refused while it is read, with the limit."""
    read = 0

    async def endless() -> Any:
        nonlocal read
        while read < 1 << 26:
            read += 1 << 16
            yield b" " * (1 << 16)

    response = await api.post("/v1/batches", content=endless())

    assert (response.status_code, "262144 bytes" in response.text) == (400, True)


async def test_a_running_batch_shows_live_progress(create: Send, api: httpx.AsyncClient, services: Services) -> None:
    """Counts, usage and model are summed over the chunk rows, alone and in lists (contract 2.4, 2.7)."""
    batch_id = (await create()).json()["id"]
    await advance(services, VALIDATED)
    for index in range(2):
        usage = Usage(input_tokens=10, cached_tokens=1, output_tokens=5, reasoning_tokens=2)
        row = ChunkRow(batch_id=(await stored(services)).id, index=index, completed=3, failed=1, usage=usage, model="m")
        await services.stores.chunks.put(row, None)
    batch = (await api.get(f"/v1/batches/{batch_id}")).json()

    assert batch["status"] == "in_progress"
    assert batch["request_counts"] == {"total": 10, "completed": 6, "failed": 2}
    assert batch["usage"] == {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 2},
        "output_tokens": 10,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 30,
    }
    assert (await api.get("/v1/batches")).json()["data"] == [batch]


async def test_a_batch_that_waits_says_why(
    create: Send, api: httpx.AsyncClient, services: Services, clock: Clock
) -> None:
    """A single batch has what its lanes say in `progress`; a list asks no lanes, and has not (docs/api.md)."""
    batch_id = (await create()).json()["id"]
    await advance(services, VALIDATED)
    found = await stored(services)
    until = clock.now + timedelta(seconds=90)
    beat = Heartbeat(deployment="m", batch_id=found.id, lane=0, at=clock.now, paused_until=until, reason="It is sick.")
    await services.stores.heartbeats.beat(beat)
    progress = (await api.get(f"/v1/batches/{batch_id}")).json()["progress"]
    (listed,) = (await api.get("/v1/batches")).json()["data"]
    clock.advance(seconds=100)
    after = (await api.get(f"/v1/batches/{batch_id}")).json()["progress"]

    assert progress["held_up"] == {"until": int(until.timestamp()), "reason": "It is sick."}
    assert "held_up" not in listed["progress"]
    assert "held_up" not in after


@pytest.mark.parametrize("grouped", [False, True])
async def test_a_batch_says_that_its_results_come_at_its_end(
    create: Send, api: httpx.AsyncClient, services: Services, grouped: bool
) -> None:
    """Where its lines are worked on in another order than they stand in (ADR 0018)."""
    path = f"/v1/batches/{(await create()).json()['id']}"
    await advance(services, msgspec.structs.replace(VALIDATED, grouped=grouped))

    assert (await api.get(path)).json()["progress"].get("results_at_end", False) is grouped


async def test_a_batch_of_several_targets_says_how_each_fares(
    create: Send, api: httpx.AsyncClient, services: Services, clock: Clock
) -> None:
    """A single batch, by its lanes; one with a single target has nothing to say of it."""
    batch_id = (await create()).json()["id"]
    await advance(services, VALIDATED)
    found = await stored(services)
    until = clock.now + timedelta(seconds=9)
    down = TargetBeat(target="west", paused_until=until, sick=True, reason="It is down.")
    beat = Heartbeat(deployment="m", batch_id=found.id, lane=0, at=clock.now)
    await services.stores.heartbeats.beat(beat)
    of_one = (await api.get(f"/v1/batches/{batch_id}")).json()["progress"]
    await services.stores.heartbeats.beat(msgspec.structs.replace(beat, targets=(TargetBeat(target="east"), down)))
    of_two = (await api.get(f"/v1/batches/{batch_id}")).json()["progress"]

    assert "targets" not in of_one
    assert of_two["targets"] == [
        {"name": "east", "status": "ok", "until": None, "reason": None},
        {"name": "west", "status": "paused", "until": int(until.timestamp()), "reason": "It is down."},
    ]


@pytest.mark.parametrize("events", [(), (VALIDATED,)])
async def test_a_batch_whose_run_fails_says_so(
    create: Send, api: httpx.AsyncClient, services: Services, events: tuple[Event, ...]
) -> None:
    """From the fifth start in vain on, in validation too; not while a lane is at work, nor once a line has ended."""
    batch_id = (await create()).json()["id"]
    await advance(services, *events)
    lost = RunLost(progress=progress_of((await stored(services)).status, []))

    async def held_up() -> str | None:
        progress = (await api.get(f"/v1/batches/{batch_id}")).json().get("progress", {})
        return progress.get("held_up", {}).get("reason")

    await advance(services, *[lost] * 4)
    early = await held_up()
    await advance(services, lost)
    told = await held_up()
    found = await stored(services)
    await services.stores.heartbeats.beat(Heartbeat(deployment="m", batch_id=found.id, lane=0, at=services.now()))

    assert early is None
    assert told is not None
    assert "has not got on in 5 attempts" in told
    assert (await held_up() is None) is bool(events)
    await services.stores.heartbeats.stop(Heartbeat(deployment="m", batch_id=found.id, lane=0, at=services.now()))
    await services.stores.chunks.put(ChunkRow(batch_id=found.id, index=0, completed=3), None)
    assert (await held_up() is None) is bool(events)


async def test_a_finished_batch(create: Send, api: httpx.AsyncClient, services: Services, clock: Clock) -> None:
    """Result file ids in the dialect's spelling; every timestamp stays set (contract 2.3, 2.5)."""
    batch_id = (await create()).json()["id"]
    for event in (VALIDATED, RequestsDone(), FINISHED):
        clock.advance(seconds=10)
        await advance(services, event)
    openai = (await api.get(f"/v1/batches/{batch_id}")).json()
    azure = (await api.get(f"/openai/v1/batches/{batch_id}")).json()

    times = [openai[f"{name}_at"] - openai["created_at"] for name in ("in_progress", "finalizing", "completed")]
    assert times == [10, 20, 30]
    assert re.fullmatch("file-[0-9A-Za-z]{22}", openai["output_file_id"])
    assert azure["error_file_id"] == "file-0197f000-0000-7000-8000-000000000002"
    assert openai["request_counts"] == {"total": 10, "completed": 9, "failed": 1}


async def test_a_failed_batch_shows_why(create: Send, api: httpx.AsyncClient, services: Services) -> None:
    """`errors` is a list object with code, message, param and line (contract 1.7)."""
    batch_id = (await create()).json()["id"]
    await advance(services, Refused(errors=(BatchError(code="c", message="m", param="body.model", line=2),)))

    assert (await api.get(f"/v1/batches/{batch_id}")).json()["errors"] == {
        "object": "list",
        "data": [{"code": "c", "message": "m", "param": "body.model", "line": 2}],
    }


async def test_cancelling(create: Send, api: httpx.AsyncClient, services: Services) -> None:
    """200 `cancelling`, as SDKs call it: JSON announced, nothing sent (contract 1.5.7, 2.2)."""
    batch_id = (await create()).json()["id"]
    await advance(services, VALIDATED)
    headers = {"content-type": "application/json", "content-length": "0"}
    response = await api.post(f"/v1/batches/{batch_id}/cancel", headers=headers)

    assert (response.status_code, response.json()["status"]) == (200, "cancelling")
    assert response.json()["cancelling_at"] == 1767323045


async def test_cancelling_again_changes_nothing(
    create: Send, api: httpx.AsyncClient, services: Services, clock: Clock
) -> None:
    """200 and the same object, while cancelling and afterwards (contract 2.2)."""
    batch_id = (await create()).json()["id"]
    await advance(services, VALIDATED)
    first = (await api.post(f"/v1/batches/{batch_id}/cancel")).json()
    clock.advance(seconds=5)
    second = await api.post(f"/v1/batches/{batch_id}/cancel")
    await advance(services, FINISHED)
    third = await api.post(f"/v1/batches/{batch_id}/cancel")

    assert second.json() == first
    assert (third.status_code, third.json()["status"]) == (200, "cancelled")


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((VALIDATED, RequestsDone(), FINISHED), "completed"),
        ((VALIDATED, FINISHED), "expired"),
        ((Refused(errors=()),), "failed"),
        ((VALIDATED, RequestsDone()), "finalizing"),
    ],
)
async def test_cancelling_too_late(
    create: Send, api: httpx.AsyncClient, services: Services, events: tuple[Event, ...], status: str
) -> None:
    """409 with the literal of contract 1.3, and the header that spares SDKs three attempts (contract 6.5)."""
    batch_id = (await create()).json()["id"]
    await advance(services, *events)
    response = await api.post(f"/v1/batches/{batch_id}/cancel")

    assert response.status_code == 409
    assert response.headers["x-should-retry"] == "false"
    assert response.json() == {
        "error": {
            "message": f"Cannot cancel a batch with status '{status}'.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }


async def test_cancelling_too_late_in_azure(create: Send, api: httpx.AsyncClient, services: Services) -> None:
    """Azure's enum says `conflict` (contract 2.2)."""
    batch_id = (await create()).json()["id"]
    await advance(services, Refused(errors=()))
    error = (await api.post(f"/openai/batches/{batch_id}/cancel{VERSION}")).json()["error"]

    assert error == {"code": "conflict", "message": "Cannot cancel a batch with status 'failed'."}


class RacingBatches:
    """A batch store in which someone else writes first, `losses` times."""

    def __init__(self, inner: Any, losses: int) -> None:
        self._inner = inner
        self._losses = losses
        self.get = inner.get

    async def replace(self, batch: Batch, version: str) -> str:
        if self._losses:
            self._losses -= 1
            raise Changed
        return await self._inner.replace(batch, version)


async def test_cancelling_against_other_writers(create: Send, api: httpx.AsyncClient, services: Services) -> None:
    """A lost write is tried again on the fresh record."""
    batch_id = (await create()).json()["id"]
    with use(with_stores(services, batches=RacingBatches(services.stores.batches, losses=3))):
        response = await api.post(f"/v1/batches/{batch_id}/cancel")

    assert (response.status_code, response.json()["status"]) == (200, "cancelling")


async def test_cancelling_ten_times_at_once(create: Send, api: httpx.AsyncClient) -> None:
    """Every caller gets the same object."""
    batch_id = (await create()).json()["id"]
    responses = await asyncio.gather(*(api.post(f"/v1/batches/{batch_id}/cancel") for _ in range(10)))

    assert {(response.status_code, response.json()["cancelling_at"]) for response in responses} == {(200, 1767323045)}


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("POST", "/cancel")])
async def test_an_unknown_batch(api: httpx.AsyncClient, method: str, suffix: str) -> None:
    """Contract 1.3, literal."""
    response = await api.request(method, f"/v1/batches/batch_nope{suffix}")

    assert response.status_code == 404
    assert response.json() == {
        "error": {
            "message": "No batch found with id 'batch_nope'.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }


@pytest.mark.parametrize("given", ["x", "batch_", "a%2Fb", "%00", "batch_" + "f" * 3000, "batch_" + "f" * 32])
async def test_odd_ids_are_not_found(api: httpx.AsyncClient, given: str) -> None:
    """404 whatever the text, with a message of bounded length."""
    response = await api.get(f"/v1/batches/{given}")

    assert (response.status_code, len(response.text) < 400) == (404, True)


async def test_a_batch_of_another_owner_is_not_found(create: Send, api: httpx.AsyncClient, services: Services) -> None:
    """Look-ups and lists never cross owners."""
    await create()
    mine = await stored(services)
    theirs = msgspec.structs.replace(mine, id=mine.id[:-1] + ("0" if mine.id[-1] != "0" else "1"), owner="other")
    await services.stores.batches.insert(theirs)

    assert (await api.get(f"/v1/batches/batch_{theirs.id}")).status_code == 404
    assert len((await api.get("/v1/batches")).json()["data"]) == 1


@pytest.mark.parametrize("path", ["/v1/batches", "/openai/v1/batches", f"/openai/batches{VERSION}"])
async def test_pages_go_through_all_batches_once(create: Send, api: httpx.AsyncClient, clock: Clock, path: str) -> None:
    """Newest first, by `after`, with an empty page past the end (contract 1.5.6, 1.6)."""
    created = []
    for _ in range(5):
        created.append((await create(path=path)).json()["id"])
        clock.advance(seconds=1)
    found, after = list[str](), ""
    while data := (page := (await api.get(path, params=_query(path) | {"limit": "2", "after": after})).json())["data"]:
        found += [batch["id"] for batch in data]
        after = found[-1]
        assert page["has_more"] is (len(found) < 5)

    assert found == created[::-1]
    assert page == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


def _query(path: str) -> dict[str, str]:
    return {"api-version": "2024-10-21"} if path.startswith("/openai/batches") else {}


async def test_a_page_holds_twenty_batches_by_default(create: Send, api: httpx.AsyncClient) -> None:
    """Contract 1.5.6."""
    for _ in range(21):
        await create()
    page = (await api.get("/v1/batches")).json()

    assert (len(page["data"]), page["has_more"]) == (20, True)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "limit=101",
            "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead.",
        ),
        ("limit=0", "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead."),
        (
            "after=batch_nope",
            "Invalid 'after': 'batch_nope' is no id. Pass the id of the last item of the page before.",
        ),
    ],
)
async def test_wrong_paging_parameters(api: httpx.AsyncClient, query: str, message: str) -> None:
    """400 with the literals of contract 1.3."""
    response = await api.get(f"/v1/batches?{query}")

    assert (response.status_code, response.json()["error"]["message"]) == (400, message)


async def test_the_completion_window_sets_the_expiry(create: Send, services: Services) -> None:
    """`expires_at` is `created_at` plus the window (contract 2.3)."""
    longer = replace(services.settings, completion_windows="24h,7d")
    with use(replace(services, settings=longer)):
        await create(completion_window="7d")
    batch = await stored(services)

    assert batch.expires_at - batch.created_at == timedelta(days=7)


async def test_the_order_of_the_file_is_kept_and_shown(create: Send, services: Services) -> None:
    """Where the caller asked for it; else nothing is said."""
    assert (await create(leaders_first=False)).json()["leaders_first"] is False
    assert not (await stored(services)).leaders_first
    assert (await create(leaders_first="neighbours")).json()["leaders_first"] == "neighbours"
    assert "leaders_first" not in (await create()).json()


async def test_output_expires_after_is_kept_and_not_echoed(create: Send, services: Services) -> None:
    """Contract 1.7."""
    response = await create(output_expires_after={"anchor": "created_at", "seconds": 3600})

    assert "output_expires_after" not in response.json()
    assert (await stored(services)).output_expires_after_seconds == 3600


async def test_a_cancelled_validation_stays_cancelled(create: Send, api: httpx.AsyncClient, services: Services) -> None:
    """Cancel while validating, then validation refuses: `cancelled`, no errors (contract 2.1, 2.2)."""
    batch_id = (await create()).json()["id"]
    await advance(services, CancelRequested(), Refused(errors=(BatchError(code="c", message="m"),)))
    batch = (await api.get(f"/v1/batches/{batch_id}")).json()

    assert (batch["status"], batch["errors"]) == ("cancelled", None)


@pytest.mark.parametrize("path", [f"/openai/batches{VERSION}", "/openai/v1/batches"])
async def test_azure_judges_the_window_in_the_batch(create: Send, path: str) -> None:
    """Any other completion window fails the batch rather than the call (contract 1.5.5)."""
    response = await create(path=path, completion_window="1h")

    assert (response.status_code, response.json()["status"]) == (200, "validating")
    assert response.json()["completion_window"] == "1h"
