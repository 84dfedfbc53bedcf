"""Walks over more rows than the local stores read at once: each row is met once, many of one time among them."""

import asyncio
from datetime import timedelta

import pytest

from local_host.stores.stores import open_stores
from shared.domain.batches.creation import Creation
from tests.contracts.samples import START, a_batch, a_delivery, a_file, an_id, an_upload

COUNT = 403  # Three pages, the last of a few rows.
LATE = START + timedelta(days=1)
WALKS = {
    "files": (a_file, lambda stores: stores.files.every()),
    "expired_files": (lambda n: a_file(n, expires_at=minute(n)), lambda stores: stores.files.expired(LATE)),
    "expired_uploads": (lambda n: an_upload(n, expires_at=minute(n)), lambda stores: stores.uploads.expired(LATE)),
    "unfinished_batches": (lambda n: a_batch(n, owner=f"project-{n % 2}"), lambda stores: stores.batches.unfinished()),
    "due_deliveries": (lambda n: a_delivery(n, seconds=n % 3), lambda stores: stores.deliveries.due(LATE)),
}


def minute(number):
    return START + timedelta(minutes=number % 3)


@pytest.fixture
async def stores(tmp_path):
    opened = open_stores(tmp_path)
    yield opened
    await opened.close()


async def met(items):
    return sorted([getattr(item, "value", item).id async for item in items])


@pytest.mark.parametrize("walk", WALKS)
async def test_a_walk_meets_every_row_once(stores, walk):
    """Whichever columns order them."""
    make, rows = WALKS[walk]
    store = getattr(stores, walk.split("_")[-1])
    await asyncio.gather(*(store.insert(make(number)) for number in range(COUNT)))
    assert await met(rows(stores)) == [an_id(number) for number in range(COUNT)]


async def test_a_full_last_page_is_not_the_end_of_a_walk(stores):
    """As many rows as pages hold, neither more nor fewer."""
    names = [f"{number:03}" for number in range(400)]
    creations = [Creation(name=name, request="r", retries=0, object_id=an_id(0), at=START) for name in names]
    await asyncio.gather(*(stores.creations.put(creation, None) for creation in creations))
    assert [creation.name async for creation in stores.creations.every()] == names
