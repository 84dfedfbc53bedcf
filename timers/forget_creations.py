"""Removes what is remembered of create calls once no repetition of them can come."""

from __future__ import annotations

from shared.services import Services


async def forget_creations(service: Services) -> None:
    """One sweep; what a crash leaves is found by the next."""
    async for creation in service.stores.creations.every():
        if creation.is_forgotten(service.now()):
            await service.stores.creations.delete(creation.name)
