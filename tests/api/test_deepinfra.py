"""DeepInfra's dialect at `/v1/openai` (contract 5)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from shared.domain.vendors.vendor import Vendor
from shared.services import Services

Send = Callable[..., Awaitable[httpx.Response]]
FILES, BATCHES = "/v1/openai/files", "/v1/openai/batches"


async def test_upload_and_create(upload: Send, create: Send, services: Services) -> None:
    """Ids `file_…` and `batch_…`, 200 both times, OpenAI's shapes."""
    uploaded = await upload(path=FILES)
    created = await create(path=BATCHES, input_file_id=uploaded.json()["id"])
    (batch,) = await services.stores.batches.list("default", limit=2)

    assert (uploaded.status_code, created.status_code) == (200, 200)
    assert re.fullmatch("file_[0-9A-Za-z]{22}", uploaded.json()["id"])
    assert re.fullmatch("batch_[0-9a-f]{32}", created.json()["id"])
    assert created.json()["input_file_id"] == uploaded.json()["id"]
    assert (batch.vendor, batch.input_blob != "") == (Vendor.DEEPINFRA, True)


@pytest.mark.parametrize("path", ["/v1/files", FILES, "/openai/v1/files"])
async def test_its_files_are_readable_through_every_dialect(upload: Send, api: httpx.AsyncClient, path: str) -> None:
    """All spellings name one file; a bare UUID, as Compass has it, does as well (contract 5)."""
    canonical = (await upload(path=FILES)).json()["id"]
    other = (await api.get(path.replace("/v1/openai", "/openai/v1") + f"/{canonical}")).json()["id"]
    bare = (await api.get(f"/openai/v1/files/{canonical}")).json()["id"].removeprefix("file-")
    uuid = f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"

    for spelled in (canonical, other, bare, uuid):
        assert (await api.get(f"{path}/{spelled}")).status_code == 200


@pytest.mark.parametrize(
    ("expiry", "seconds"),
    [
        ({}, 2_592_000),
        ({"anchor": "created_at"}, 2_592_000),
        ({"seconds": 3600}, 3600),
        ({"seconds": None, "anchor": None}, 2_592_000),
        (None, None),
    ],
)
async def test_parts_of_the_expiry_have_defaults(
    create: Send, services: Services, expiry: dict[str, Any] | None, seconds: int | None
) -> None:
    """Contract 2.6: both sub-fields optional, `created_at` and 2592000."""
    response = await create(path=BATCHES, output_expires_after=expiry)
    (batch,) = await services.stores.batches.list("default", limit=2)

    assert (response.status_code, batch.output_expires_after_seconds) == (200, seconds)


@pytest.mark.parametrize(
    ("endpoint", "status"),
    [
        ("/v1/chat/completions", 200),
        ("/v1/completions", 200),
        ("/v1/embeddings", 200),
        ("/v1/responses", 400),
        ("/v1/moderations", 400),
    ],
)
async def test_its_endpoints(create: Send, endpoint: str, status: int) -> None:
    """Three of them (contract 5)."""
    assert (await create(path=BATCHES, endpoint=endpoint)).status_code == status


async def test_its_error_envelope(create: Send) -> None:
    """OpenAI's four keys (contract 5)."""
    error = (await create(path=BATCHES, endpoint="/v1/responses")).json()["error"]

    assert error == {
        "message": (
            "Invalid value: '/v1/responses'. Supported values are: '/v1/chat/completions', '/v1/completions', and "
            "'/v1/embeddings'."
        ),
        "type": "invalid_request_error",
        "param": "endpoint",
        "code": "invalid_value",
    }
