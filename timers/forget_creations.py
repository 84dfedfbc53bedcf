"""Removes what is remembered of create calls once no repetition of them can come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from shared.domain.batches.creation import Creation
from shared.run.do_all import do_all
from shared.run.in_pages import in_pages
from shared.services import Services

MOST: Final = 20_000  # Creations of one pass.
AT_ONCE: Final = 2


async def forget_creations(service: Services, most: int = MOST) -> None:
    """One pass; what it and a crash leave is found by the next."""

    async def forget(creations: list[Creation]) -> None:
        works = (partial(service.stores.creations.delete, creation.name) for creation in creations)
        await do_all(works, at_once=AT_ONCE)

    await in_pages(_forgotten(service), forget, most)


async def _forgotten(service: Services) -> AsyncIterator[Creation]:
    async for creation in service.stores.creations.every():
        if creation.is_forgotten(service.now()):
            yield creation
