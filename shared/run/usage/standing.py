"""How a caller stands with each spend limit that bounds him: what its window has seen, and when the next begins."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date
from typing import NamedTuple

from shared.domain.batches.spending import key_account, model_account, project_account
from shared.domain.keys.caller import Caller
from shared.domain.usage.spend_limit import SpendLimit, first_day, next_window
from shared.services import Services


class Standing(NamedTuple):
    """`used`: picos that are spent or reserved in the window. `renews_on`: in UTC; None for one that never ends."""

    of: str
    model: str | None
    limit: SpendLimit
    used: int
    renews_on: date | None

    @property
    def left(self) -> int:
        return max(0, self.limit.picos - self.used)


async def standings(service: Services, caller: Caller) -> list[Standing]:
    """Of its project, of single models there, and of its key, as far as they have limits. Raises Unavailable."""
    today = service.now().astimezone(UTC).date()

    async def one(of: str, model: str | None, account: str, limit: SpendLimit) -> Standing:
        balances = await service.stores.spending.balances(account, first_day(limit.interval, today), today)
        return Standing(of, model, limit, sum(balances.values()), next_window(limit.interval, today))

    return list(await asyncio.gather(*(one(*each) for each in _limits(caller))))


def _limits(caller: Caller) -> Iterator[tuple[str, str | None, str, SpendLimit]]:
    project = caller.project
    if project and (limit := project.spend_limit):
        yield "project", None, project_account(limit.currency, project.id), limit
    for model, each in sorted(project.model_spend_limits.items()) if project else ():
        if caller.access.allows(model):
            yield "model", model, model_account(each.currency, caller.owner, model), each
    if caller.key_id and caller.spend_limit:
        yield "api_key", None, key_account(caller.spend_limit.currency, caller.key_id), caller.spend_limit
