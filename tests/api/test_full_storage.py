"""Storage that takes no more bytes: what callers of the API hear."""

from __future__ import annotations

from shared.domain.errors import StorageFull
from shared.domain.pace.heartbeat import Heartbeat
from shared.services import use
from tests.api.test_batches_routes import VALIDATED, advance, stored
from tests.with_stores import with_stores


class FullBlobs:
    """Takes nothing more."""

    async def put(self, _name: str, _data: bytes) -> None:
        raise StorageFull("The disk is full.")


async def test_a_batch_says_that_storage_is_full(api, create, services):
    """Its lanes cannot write a heartbeat that would; when there is room again it says so no longer."""
    batch_id = (await create()).json()["id"]
    await advance(services, VALIDATED)
    with use(with_stores(services, blobs=FullBlobs())):
        full = (await api.get(f"/v1/batches/{batch_id}")).json()["progress"]
    after = (await api.get(f"/v1/batches/{batch_id}")).json()["progress"]

    assert full["held_up"]["reason"].startswith("The storage of the service is full")
    assert full["held_up"]["until"] > 0
    assert "held_up" not in after


async def test_a_batch_that_is_at_work_asks_nothing(api, create, services, clock):
    """A lane that beats has written just now."""
    batch_id = (await create()).json()["id"]
    await advance(services, VALIDATED)
    found = await stored(services)
    await services.stores.heartbeats.beat(Heartbeat(deployment="m", batch_id=found.id, lane=0, at=clock.now))
    with use(with_stores(services, blobs=FullBlobs())):
        progress = (await api.get(f"/v1/batches/{batch_id}")).json()["progress"]

    assert "held_up" not in progress
