"""Forgetting an ended batch: everything of it but its files, which have a life of their own, and its usage."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.batches.batch import Batch
from shared.domain.errors import WrongState
from shared.services import Services


async def forget_batch(service: Services, batch: Batch) -> None:
    """The record goes last: a call that was cut off can be repeated, and nothing is left that no record leads to.

    Its journals and its plan went when it ended. Raises WrongState unless it has, and the ledger has what it used.
    """
    check_is_over(batch)
    await forget_all(service, batch.owner, [batch])


async def forget_all(service: Services, owner: str, batches: Sequence[Batch]) -> None:
    """The same of many batches of one project, which are over: their records go together, when all else has gone.

    One after the other: side by side is no quicker on a busy store, and calls then wait longer.
    """
    for batch in batches:
        await service.stores.chunks.delete_all(batch.id)
    await service.stores.batches.delete(owner, *(batch.id for batch in batches))


def check_is_over(batch: Batch) -> None:
    """Raises WrongState."""
    if not batch.is_terminal:
        raise WrongState(
            f"Cannot delete a batch with status '{batch.status}'. Cancel it, wait until it is cancelled, and try again."
        )
    if not batch.is_settled:
        raise WrongState("What this batch used is still being written down. Try again in ten minutes.")
