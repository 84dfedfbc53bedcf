"""`POST batches/{id}/retry`: a new batch of the requests that failed or never ran."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from shared.domain.batches.batch import Batch, Status
from shared.domain.files.file import File
from shared.domain.ids import to_uuid
from shared.domain.keys.priority import Priority
from shared.domain.keys.project import default_project
from shared.domain.lines.result_line import NeverRan, failure_line, never_ran_line
from shared.domain.vendors.vendor import Vendor
from shared.run.chunks.plan import read_all
from shared.services import Services, use
from tests.api.harness import Clock, FakeClient
from tests.api.made_keys import make_key, with_peppers
from tests.contracts.samples import a_batch, a_file, an_id

Send = Callable[..., Awaitable[httpx.Response]]
FIRST, INPUT, ERRORS = an_id(1), an_id(2), an_id(3)
RETRY = f"/v1/batches/batch_{FIRST}/retry"


def line(number: int) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": "ä" * 400}]}
    request = {"custom_id": f"c{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(request, ensure_ascii=False, indent=None).encode() + b"\n"


class Ended:
    """A batch of ten lines that has ended: c3 failed, c7 never ran."""

    def __init__(self, services: Services, clock: Clock) -> None:
        self.services = services
        self.clock = clock

    async def file(self, file_id: str, data: bytes, **changes: Any) -> File:
        file = a_file(owner="default", id=file_id, bytes=len(data), blob=f"files/{file_id}", **changes)
        await self.services.stores.blobs.put(file.blob, data)
        await self.services.stores.files.insert(file)
        return file

    async def batch(self, **changes: Any) -> Batch:
        await self.file(INPUT, b"\n".join(line(number) for number in range(10)))
        failed = failure_line(
            Vendor.OPENAI, request_line_id="x", custom_id="c3", request_id=None, status=400, body=b'{"error":{}}'
        )
        never = never_ran_line(Vendor.OPENAI, request_line_id="y", custom_id="c7", code=NeverRan.BATCH_EXPIRED)
        await self.file(ERRORS, never + failed, purpose="batch_output")
        values: dict[str, Any] = {
            "id": FIRST,
            "owner": "default",
            "status": Status.EXPIRED,
            "input_file_id": INPUT,
            "input_blob": f"files/{INPUT}",
            "error_file_id": ERRORS,
            "total": 10,
            "completed": 8,
            "failed": 1,
            "metadata": {"a": "b"},
            "output_expires_after_seconds": 3600,
        }
        batch = a_batch(**values | changes)
        await self.services.stores.batches.insert(batch)
        return batch

    async def retries(self) -> list[Batch]:
        return [b for b in await self.services.stores.batches.list("default", limit=10) if b.retry_of]

    async def input_of(self, batch: Batch) -> bytes:
        return await read_all(self.services.stores.blobs, batch.input_blob)


@pytest.fixture
def ended(services: Services, clock: Clock) -> Ended:
    return Ended(services, clock)


async def test_the_new_batch_has_the_failed_and_never_run_lines_alone(ended: Ended, api: httpx.AsyncClient) -> None:
    """As they were uploaded, in input order."""
    await ended.batch()
    assert (await api.post(RETRY)).status_code == 200
    (retry,) = await ended.retries()
    assert await ended.input_of(retry) == line(3) + line(7)


async def test_the_new_batch_is_like_the_first(
    ended: Ended, api: httpx.AsyncClient, clock: Clock, durable: FakeClient
) -> None:
    """Same endpoint, window, metadata, expiry of results; a window of its own; and it runs."""
    first = await ended.batch()
    answer = (await api.post(RETRY)).json()
    (retry,) = await ended.retries()
    same = ("vendor", "endpoint", "completion_window", "metadata", "output_expires_after_seconds")
    assert [getattr(retry, name) for name in same] == [getattr(first, name) for name in same]
    assert (retry.created_at, retry.expires_at) == (clock.now, clock.now + timedelta(hours=24))
    assert (answer["id"], answer["status"], answer["retry_of"]) == (
        f"batch_{retry.id}",
        "validating",
        f"batch_{FIRST}",
    )
    assert [started[1] for started in durable.started] == [retry.id]


async def test_it_is_the_batch_of_whoever_retries(ended: Ended, anonymous: httpx.AsyncClient, clock: Clock) -> None:
    """A key that is for some models only gets at no other one by retrying what another key began."""
    await ended.batch(key_id="0" * 32, key_models=None)
    with use(with_peppers(ended.services)) as service:
        key = await make_key(service, default_project(clock.now), models=("n",))
        assert (await anonymous.post(RETRY, headers=key.headers)).status_code == 200
    (retry,) = await ended.retries()

    assert (retry.key_id, retry.key_models) == (key.record.id, ("n",))


async def test_its_input_is_a_file_like_any_other(ended: Ended, api: httpx.AsyncClient, clock: Clock) -> None:
    """It can be downloaded, and it expires: nobody asked for it, so nobody deletes it."""
    await ended.batch()
    answer = (await api.post(RETRY)).json()
    file = (await api.get(f"/v1/files/{answer['input_file_id']}")).json()
    assert (file["purpose"], file["filename"]) == ("batch", f"batch_{FIRST}_retry.jsonl")
    assert (file["bytes"], file["expires_at"]) == (
        len(line(3) + line(7)),
        int((clock.now + timedelta(days=30)).timestamp()),
    )
    content = await api.get(f"/v1/files/{answer['input_file_id']}/content")
    assert content.content == line(3) + line(7)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELLED, Status.EXPIRED])
async def test_every_end_can_be_retried(ended: Ended, api: httpx.AsyncClient, status: Status) -> None:
    """As long as a line failed or never ran."""
    await ended.batch(status=status)
    assert (await api.post(RETRY)).status_code == 200


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
async def test_a_batch_that_never_ran_is_retried_as_a_whole(
    ended: Ended, api: httpx.AsyncClient, status: Status
) -> None:
    """Refused for its quota, say: the same input file, not a copy."""
    await ended.batch(status=status, total=0, completed=0, failed=0, error_file_id=None)
    await api.post(RETRY)
    (retry,) = await ended.retries()
    assert retry.input_file_id == INPUT


@pytest.mark.parametrize("status", [status for status in Status if not a_batch(status=status).is_terminal])
async def test_a_batch_that_has_not_ended_cannot_be_retried(
    ended: Ended, api: httpx.AsyncClient, status: Status
) -> None:
    """409, which SDKs are told not to repeat."""
    await ended.batch(status=status)
    answer = await api.post(RETRY)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (409, "false")
    assert answer.json()["error"]["message"].startswith(f"Cannot retry a batch with status '{status}'.")


async def test_a_batch_without_failures_cannot_be_retried(ended: Ended, api: httpx.AsyncClient) -> None:
    """There is nothing to send."""
    await ended.batch(status=Status.COMPLETED, completed=10, failed=0, error_file_id=None)
    answer = await api.post(RETRY)
    assert (answer.status_code, "nothing to retry" in answer.text) == (409, True)


@pytest.mark.parametrize(("file_id", "word"), [(INPUT, "input"), (ERRORS, "error")])
@pytest.mark.parametrize("loss", ["record", "bytes", "expiry"])
async def test_files_that_are_gone_are_named(
    ended: Ended, api: httpx.AsyncClient, file_id: str, word: str, loss: str
) -> None:
    """409 with the way out; no batch, no run."""
    await ended.batch()
    file = await ended.services.stores.files.get("default", file_id)
    assert file
    if loss == "bytes":
        await ended.services.stores.blobs.delete(file.blob)
    else:
        await ended.services.stores.files.delete("default", file_id)
    if loss == "expiry":
        await ended.services.stores.files.insert(msgspec.structs.replace(file, expires_at=ended.clock.now))
    answer = await api.post(RETRY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "file_gone")
    assert word in answer.json()["error"]["message"]
    assert await ended.retries() == []


async def test_an_sdks_repetition_finds_the_first_retry(
    ended: Ended, api: httpx.AsyncClient, durable: FakeClient
) -> None:
    """Contract 6.5: one batch, one run, one file."""
    await ended.batch()
    first = await api.post(RETRY, headers={"x-stainless-retry-count": "0"})
    again = await api.post(RETRY, headers={"x-stainless-retry-count": "1"})
    assert first.json() == again.json()
    assert (len(await ended.retries()), len(durable.started)) == (1, 1)


async def test_two_deliberate_calls_make_two_batches(ended: Ended, api: httpx.AsyncClient) -> None:
    """Each with its file."""
    await ended.batch()
    answers = [(await api.post(RETRY)).json() for _ in range(2)]
    assert len({answer["id"] for answer in answers}) == len({answer["input_file_id"] for answer in answers}) == 2


async def test_a_retry_can_be_retried(ended: Ended, api: httpx.AsyncClient) -> None:
    """The chain is visible: each names the one before."""
    await ended.batch()
    second = (await api.post(RETRY)).json()["id"]
    (retry,) = await ended.retries()
    stored = await ended.services.stores.batches.get("default", retry.id)
    assert stored
    await ended.services.stores.batches.replace(msgspec.structs.replace(retry, status=Status.FAILED), stored.version)
    assert (await api.post(f"/v1/batches/{second}/retry")).json()["retry_of"] == second


@pytest.mark.parametrize(
    ("path", "status", "retry_of"),
    [
        ("/openai/v1/batches/{}/retry", 200, f"batch_{to_uuid(FIRST)}"),
        ("/openai/batches/{}/retry?api-version=2024-10-21", 200, None),
        ("/openai/batches/{}/retry?api-version=2025-04-01-preview", 201, None),
    ],
)
async def test_azure_callers_can_retry_what_others_made(
    ended: Ended, api: httpx.AsyncClient, path: str, status: int, retry_of: str | None
) -> None:
    """Ids, keys and success codes are the dialect's (contract 1.4, 9.6); the vendor stays the first batch's."""
    await ended.batch()
    answer = await api.post(path.format(f"batch_{to_uuid(FIRST)}"))
    assert (answer.status_code, answer.json().get("retry_of")) == (status, retry_of)
    assert (await ended.retries())[0].vendor is Vendor.OPENAI


async def test_a_retry_is_as_urgent(ended: Ended, api: httpx.AsyncClient) -> None:
    """Its priority shows, as that of any batch that is not normal."""
    await ended.batch(priority=Priority.HIGH)
    answer = (await api.post(f"/v1/batches/batch_{FIRST}/retry")).json()

    assert answer["priority"] == "high"
    assert (await ended.retries())[0].priority is Priority.HIGH


async def test_a_retry_keeps_the_order_of_its_file_as_well(ended: Ended, api: httpx.AsyncClient) -> None:
    """Whoever wanted it once, wants it again; it shows."""
    await ended.batch(leaders_first=False)
    answer = (await api.post(f"/v1/batches/batch_{FIRST}/retry")).json()

    assert answer["leaders_first"] is False
    assert not (await ended.retries())[0].leaders_first


async def test_a_retry_is_no_more_urgent_than_the_key_allows(
    ended: Ended, anonymous: httpx.AsyncClient, services: Services
) -> None:
    """There is no body in which another priority could be asked for."""
    with use(with_peppers(services)) as service:
        key = await make_key(service, default_project(service.now()), max_priority=Priority.NORMAL)
        await ended.batch(priority=Priority.HIGH)
        answer = await anonymous.post(RETRY, headers=key.headers)

    assert (answer.status_code, answer.json().get("priority")) == (200, None)


async def test_nobody_retries_anothers_batch(ended: Ended, api: httpx.AsyncClient) -> None:
    """Contract 1.3: it does not exist for them."""
    await ended.batch(owner="somebody")
    answer = await api.post(RETRY)
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        404,
        f"No batch found with id 'batch_{FIRST}'.",
    )
