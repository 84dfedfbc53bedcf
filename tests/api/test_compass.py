"""Core42 Compass's dialect at `/batch-api/v1` (contract 9.4)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable

import httpx
import pytest

from shared.domain.vendors.vendor import Vendor
from shared.services import Services
from tests.api.harness import KEY, Clock

Send = Callable[..., Awaitable[httpx.Response]]
FILES, BATCHES = "/batch-api/v1/files", "/batch-api/v1/batches"


async def test_upload_and_create(upload: Send, create: Send, services: Services) -> None:
    """The id of a file is a bare UUID; all else is OpenAI's shape, with 200 both times."""
    uploaded = await upload(path=FILES)
    created = await create(path=BATCHES, input_file_id=uploaded.json()["id"])
    (batch,) = await services.stores.batches.list("default", limit=2)

    assert (uploaded.status_code, created.status_code) == (200, 200)
    assert str(uuid.UUID(uploaded.json()["id"])) == uploaded.json()["id"]
    assert re.fullmatch("batch_[0-9a-f]{32}", created.json()["id"])
    assert created.json()["input_file_id"] == uploaded.json()["id"]
    assert (batch.vendor, batch.input_blob != "") == (Vendor.COMPASS, True)


async def test_its_four_calls_with_its_header(upload: Send, anonymous: httpx.AsyncClient, clock: Clock) -> None:
    """Create, retrieve, list with `after` and `limit`, cancel: all with `api-key` alone."""
    file_id = (await upload(path=FILES)).json()["id"]
    del anonymous.headers["authorization"]
    anonymous.headers["api-key"] = KEY
    body = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    first = (await anonymous.post(BATCHES, json=body | {"metadata": {"a": "b"}})).json()
    clock.advance(seconds=1)
    last = (await anonymous.post(BATCHES, json=body)).json()
    page = (await anonymous.get(BATCHES, params={"limit": 1})).json()
    rest = (await anonymous.get(BATCHES, params={"limit": 1, "after": page["last_id"]})).json()

    assert (first["metadata"], last["metadata"]) == ({"a": "b"}, None)
    assert (page["data"], page["has_more"]) == ([last], True)
    assert (rest["data"], rest["has_more"]) == ([first], False)
    assert (await anonymous.get(f"{BATCHES}/{first['id']}")).json() == first
    assert (await anonymous.post(f"{BATCHES}/{first['id']}/cancel")).json()["cancelling_at"]


@pytest.mark.parametrize(
    ("endpoint", "status"),
    [("/v1/chat/completions", 200), ("/v1/completions", 400), ("/v1/embeddings", 400), ("/v1/responses", 400)],
)
async def test_its_one_endpoint(create: Send, endpoint: str, status: int) -> None:
    """Chat completions; another one is refused in OpenAI's shape, with the one that there is."""
    answer = await create(path=BATCHES, endpoint=endpoint)

    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"] == {
            "message": f"Invalid value: '{endpoint}'. Supported values are: '/v1/chat/completions'.",
            "type": "invalid_request_error",
            "param": "endpoint",
            "code": "invalid_value",
        }


async def test_its_limits(services: Services) -> None:
    """10,000 requests and 50 MB a file (contract 3.5)."""
    assert services.settings.max_requests(Vendor.COMPASS) == 10_000
    assert type(services.settings)().max_input_bytes(Vendor.COMPASS) == 52_428_800


@pytest.mark.parametrize("path", ["/v1/files", "/v1/openai/files", "/openai/v1/files", FILES])
async def test_its_files_are_readable_through_every_dialect(upload: Send, api: httpx.AsyncClient, path: str) -> None:
    """By the id that it gave, each under the spelling of its own."""
    given = (await upload(path=FILES)).json()["id"]
    other = (await api.get(f"{path}/{given}")).json()["id"]

    assert (await api.get(f"{FILES}/{other}")).json()["id"] == given
