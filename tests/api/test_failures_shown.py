"""The digest of failures on the batch object."""

from __future__ import annotations

import httpx
import msgspec

from shared.domain.batches.advice import ADVICE
from shared.domain.batches.batch import Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.failures import Failure
from shared.services import Services
from tests.api.belongings import Furnisher
from tests.api.harness import Clock

FAILED = Failure(code="content_filter", count=2, first_line=3, custom_id="c3", message="No.")
SHOWN = {
    "code": "content_filter",
    "count": 2,
    "first_line": 3,
    "example": {"custom_id": "c3", "message": "No."},
    "advice": ADVICE["content_filter"],
}


async def test_a_batch_tells_what_failed(api: httpx.AsyncClient, services: Services, clock: Clock) -> None:
    """Of the sealed chunks while it runs, of the record when it has ended; never in Azure classic."""
    mine = await Furnisher(services, "default", clock()).furnish()
    stored = await services.stores.batches.get("default", mine.ids["batch"][0])
    assert stored
    path = f"batches/batch_{stored.value.id}"
    running = msgspec.structs.replace(stored.value, status=Status.IN_PROGRESS, chunks=1, total=3)
    version = await services.stores.batches.replace(running, stored.version)
    assert "failures" not in (await api.get(f"/v1/{path}")).json()
    await services.stores.chunks.put(ChunkRow(batch_id=running.id, index=0, seal="12345678", failures=(FAILED,)), None)
    assert (await api.get(f"/v1/{path}")).json()["failures"] == [SHOWN]
    ended = msgspec.structs.replace(running, status=Status.COMPLETED, failures=(FAILED,))
    await services.stores.batches.replace(ended, version)
    assert (await api.get(f"/openai/v1/{path}")).json()["failures"] == [SHOWN]
    assert "failures" not in (await api.get(f"/openai/{path}?api-version=2025-04-01-preview")).json()
