"""Reserving what a batch is expected to cost with those who pay for it, and settling what it did cost.

Any of it may be repeated, and come late: amounts are absolute (`domain/batches/spending`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import UTC
from functools import partial

from shared.domain.batches.batch import Batch, BatchError
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.spending import (
    CODE,
    RESERVED,
    UNDONE,
    Payer,
    day_of_holding,
    key_account,
    limit_exceeded,
    limit_reached,
    organization_account,
    payers_of,
    project_account,
    reservation,
    reservation_day,
    spent_by_day,
)
from shared.domain.errors import OverLimit
from shared.domain.keys.caller import Caller
from shared.domain.keys.organization import ORGANIZATION
from shared.domain.usage.spend_limit import SpendLimit, first_day
from shared.ports.spending import Amount, Held, LimitReached
from shared.run.projects import find_organization, find_project
from shared.services import Services


async def reserve(service: Services, batch: Batch) -> BatchError | None:
    """Why there is no money for the batch, if there is none. Raises Unavailable."""
    if batch.price is None:
        return None
    done: list[Payer] = []
    for payer in await _payers(service, batch):
        if (refusal := await _reserve_with(service, batch, payer)) is not None:
            for other in done:
                await _put(service, batch, other, Amount(0, UNDONE))
            return refusal
        done.append(payer)
    return None


async def settle(service: Services, batch: Batch, rows: Iterable[ChunkRow], *, ended: bool = False) -> None:
    """Tell those who pay what the batch has cost so far, or in all. Raises Unavailable."""
    if batch.price is None:
        return
    rows = list(rows)
    sealed: Collection[int] = range(batch.chunks) if ended else {row.index for row in rows if row.sealed}
    if not sealed and not ended:  # What is reserved says it already.
        return
    shares, step = spent_by_day(batch, batch.price, rows, ended=ended)
    for payer in await _payers(service, batch):
        for day, share in sorted(shares.items(), reverse=True):  # What is spent counts before it is held no more.
            amount = Amount(share.spent, step, share.reserved)
            await service.stores.spending.put(payer.account, day, batch.id, amount, sealed=sealed)


async def stopping_payers(service: Services, batch: Batch) -> tuple[Payer, ...]:
    """Those whose limit, when it is reached, stops the batch while it runs. Raises Unavailable."""
    if batch.price is None:
        return ()
    by_setting = service.settings.spend_limit_stops
    return tuple(payer for payer in await _payers(service, batch) if payer.stops(by_setting=by_setting))


async def hold(service: Services, batch: Batch, payer: Payer, chunk: int, picos: int) -> Held:
    """Have as much for a chunk that nobody else may spend, or what the payer's limit leaves. Raises Unavailable."""
    if payer.limit is None:
        return Held(picos, picos)
    today = service.now().astimezone(UTC).date()
    first, day = first_day(payer.limit.interval, today), day_of_holding(batch, payer.limit, today)
    balances = await service.stores.spending.balances(payer.account, first, today)
    most = payer.limit.left(balances, day)
    return await service.stores.spending.hold(payer.account, day, batch.id, chunk, picos, most=most)


async def check_limits(service: Services, caller: Caller) -> None:
    """Whether the caller's project, key and organization may spend anything at this moment. Raises OverLimit."""
    of_project = caller.project.spend_limit if caller.project else None
    of_all = (await find_organization(service)).spend_limit
    limits: list[tuple[str, Callable[[str], str], SpendLimit | None]] = [
        ("project", partial(project_account, project_id=caller.owner), of_project),
        ("API key", partial(key_account, key_id=caller.key_id or ""), caller.spend_limit),
        (ORGANIZATION, organization_account, of_all),
    ]
    for name, account_of, limit in limits:
        if limit is not None and await _used(service, account_of(limit.currency), limit) >= limit.picos:
            raise OverLimit(limit_reached(name, limit), code=CODE)


async def used_of_project(service: Services, project_id: str, limit: SpendLimit) -> int:
    """Picos that are spent or reserved in the limit's window of today."""
    return await _used(service, project_account(limit.currency, project_id), limit)


async def used_of_organization(service: Services, limit: SpendLimit) -> int:
    """The same of all projects together."""
    return await _used(service, organization_account(limit.currency), limit)


async def _used(service: Services, account: str, limit: SpendLimit) -> int:
    today = service.now().astimezone(UTC).date()
    balances = await service.stores.spending.balances(account, first_day(limit.interval, today), today)
    return sum(balances.values())


async def _reserve_with(service: Services, batch: Batch, payer: Payer) -> BatchError | None:
    amount = Amount(0, RESERVED, reservation(batch))
    if payer.limit is None:
        await _put(service, batch, payer, amount)
        return None
    left = await _left(service, batch, payer, payer.limit)
    try:
        await _put(service, batch, payer, amount, most=left)
    except LimitReached as reached:
        used = payer.limit.picos - left + reached.balance
        return limit_exceeded(payer, payer.limit, used, amount.reserved)
    return None


async def _put(service: Services, batch: Batch, payer: Payer, amount: Amount, *, most: int | None = None) -> None:
    await service.stores.spending.put(payer.account, reservation_day(batch), batch.id, amount, most=most)


async def _left(service: Services, batch: Batch, payer: Payer, limit: SpendLimit) -> int:
    """How far the balance of the day may go, beside the other days of the limit's window."""
    day = reservation_day(batch)
    return limit.left(await service.stores.spending.balances(payer.account, first_day(limit.interval, day), day), day)


async def _payers(service: Services, batch: Batch) -> tuple[Payer, ...]:
    project = await find_project(service, batch.owner)
    key = await service.stores.api_keys.get(batch.key_id) if batch.key_id else None
    return payers_of(
        batch,
        of_project=project.spend_limit if project else None,
        of_models=project.model_spend_limits if project else {},
        of_key=key.value.spend_limit if key else None,
        of_all=(await find_organization(service)).spend_limit,
    )
