"""Azure classic: answers hold exactly the keys of the asked api-version; others break .NET (contract 1.7, 9.6).

The keys are those of azure-rest-api-specs, AzureOpenAI/authoring: definitions `File`, `Batch`, `UploadResource`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from shared.domain.batches.batch import Validated
from shared.run.batches.change import change
from shared.services import Services
from tests.api.harness import LINE

Send = Callable[..., Awaitable[httpx.Response]]
FILE = {"id", "object", "bytes", "created_at", "filename", "purpose", "status", "status_details"}
BATCH = {
    *("id", "object", "endpoint", "errors", "input_file_id", "completion_window", "status", "output_file_id"),
    *("error_file_id", "created_at", "in_progress_at", "expires_at", "finalizing_at", "completed_at", "failed_at"),
    *("expired_at", "cancelling_at", "cancelled_at", "request_counts", "metadata"),
}
UPLOAD = {"id", "object", "bytes", "created_at", "expires_at", "filename", "purpose", "status"}
OLD = ["2024-07-01-preview", "2024-08-01-preview", "2024-10-01-preview", "2024-10-21", "2025-02-01-preview"]
EXPIRING = ["2025-03-01-preview", "2025-04-01-preview", "2026-01-01"]
VERSIONS = [(version, FILE) for version in OLD] + [(version, FILE | {"expires_at"}) for version in EXPIRING]
MOUNTS = ["/openai", "/openai/deployments/gpt"]


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize(("version", "keys"), VERSIONS)
async def test_a_file(api: httpx.AsyncClient, upload: Send, mount: str, version: str, keys: set[str]) -> None:
    """Uploaded, retrieved and listed; `Azure.AI.OpenAI` 2.1.0 fails at an `expires_at`, null or not."""
    query = f"?api-version={version}"
    made = (await upload(path=f"{mount}/files{query}")).json()
    expiry = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    await upload(path=f"{mount}/files{query}", **expiry)
    read = (await api.get(f"{mount}/files/{made['id']}{query}")).json()
    listed = (await api.get(f"{mount}/files{query}")).json()

    assert [file.keys() for file in (made, read, *listed["data"])] == [keys] * 4
    assert listed.keys() == {"object", "data"}


@pytest.mark.parametrize(("version", "keys"), VERSIONS)
async def test_an_upload_in_parts(api: httpx.AsyncClient, version: str, keys: set[str]) -> None:
    """`file` when it is completed, with the keys of a file; until then not even null (contract 9.3)."""
    query = f"?api-version={version}"
    asked = {"filename": "a.jsonl", "purpose": "batch", "bytes": len(LINE), "mime_type": "application/jsonl"}
    made = (await api.post(f"/openai/uploads{query}", json=asked)).json()
    path = f"/openai/uploads/{made['id']}"
    part = (await api.post(f"{path}/parts{query}", files={"data": ("a", LINE)})).json()
    done = (await api.post(f"{path}/complete{query}", json={"part_ids": [part["id"]]})).json()

    assert (made.keys(), done.keys(), done["file"].keys()) == (UPLOAD, UPLOAD | {"file"}, keys)
    assert part.keys() == {"id", "object", "created_at", "upload_id", "azure_block_id"}


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("version", OLD + EXPIRING)
async def test_a_batch(api: httpx.AsyncClient, create: Send, services: Services, mount: str, version: str) -> None:
    """Created, running (with `progress` elsewhere), listed, cancelled: no `model`, no `usage`, nothing of ours."""
    query = f"?api-version={version}"
    made = (await create(path=f"{mount}/batches{query}")).json()
    (batch,) = await services.stores.batches.list("default", limit=2)
    await change(services, batch, Validated(deployment="m", total=1, chunks=1, input_tokens=1))
    read = (await api.get(f"{mount}/batches/{made['id']}{query}")).json()
    listed = (await api.get(f"{mount}/batches{query}")).json()
    shown_elsewhere = (await api.get(f"/openai/v1/batches/{made['id']}")).json()
    cancelled = (await api.post(f"{mount}/batches/{made['id']}/cancel{query}")).json()

    assert [batch.keys() for batch in (made, read, *listed["data"], cancelled)] == [BATCH] * 4
    assert listed.keys() == {"object", "data", "first_id", "last_id", "has_more"}
    assert {"model", "usage", "progress"} <= shown_elsewhere.keys()


@pytest.mark.parametrize("path", ["/v1/uploads", "/v1/openai/uploads", "/openai/v1/uploads"])
async def test_an_open_upload_has_no_file_anywhere(api: httpx.AsyncClient, path: str) -> None:
    """Pending and cancelled, as recorded of the live service (contract 9.3)."""
    asked = {"filename": "a.jsonl", "purpose": "batch", "bytes": 1, "mime_type": "application/jsonl"}
    made = (await api.post(path, json=asked)).json()
    cancelled = (await api.post(f"{path}/{made['id']}/cancel")).json()

    assert (made["status"], cancelled["status"]) == ("pending", "cancelled")
    assert (made.keys(), cancelled.keys()) == (UPLOAD, UPLOAD)
