"""Changing a batch record: compare-and-swap around the one pure function that knows the rules."""

from __future__ import annotations

from shared.domain.batches.batch import Batch, Event, apply
from shared.ports import Changed
from shared.run.batches.announce import announce
from shared.run.batches.transition import tell
from shared.services import Services


async def load(services: Services, owner: str, batch_id: str) -> Batch | None:
    stored = await services.batches.get(owner, batch_id)
    return stored.value if stored else None


async def change(services: Services, batch: Batch, event: Event) -> Batch:
    """The record after `event`, applied to its newest version.

    Raises WrongState if the event is not allowed (any more), KeyError if the record is gone.
    """
    while True:
        stored = await services.batches.get(batch.owner, batch.id)
        if stored is None:
            raise KeyError(batch.id)
        now = services.now()
        changed = apply(stored.value, event, now)
        if changed is stored.value:
            return changed
        if changed.is_terminal:
            await announce(services, changed)
        try:
            await services.batches.replace(changed, stored.version)
        except Changed:
            continue
        if changed.status is not stored.value.status:
            tell(stored.value, changed, now)
        return changed
