"""Removes what is remembered of create calls once no repetition of them can come."""

from __future__ import annotations

import azure.functions as func

from shared.services import services


async def forget_creations(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's binding
    """One sweep; what a crash leaves is found by the next."""
    service = services()
    async for creation in service.creations.every():
        if creation.is_forgotten(service.now()):
            await service.creations.delete(creation.name)
