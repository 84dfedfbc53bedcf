"""A past for the reports: what was used on days before today, written into the service's ledger."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local_host.stores.stores import open_stores
from shared.domain.ids import new_id
from shared.domain.usage.ledger import Amounts, Charge, LedgerRow, Tally
from shared.domain.usage.usage import Usage

_PICOS = 1_000_000  # of a dollar, for a token


def used(model: str, days_ago: int, tokens: int, project: str = "default", key: str | None = None) -> LedgerRow:
    """`tokens` in and a tenth of them out, in hundredth parts requests, one of which failed."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    charges = (
        Charge(currency="USD", item="input_tokens", quantity=tokens, picos=tokens * _PICOS),
        Charge(currency="USD", item="output_tokens", quantity=tokens // 10, picos=tokens * _PICOS),
    )
    usage = Usage(input_tokens=tokens, cached_tokens=tokens // 4, output_tokens=tokens // 10)
    amounts = Amounts(completed=tokens // 100, failed=1, usage=usage, charges=charges)
    tally = Tally(model=model, endpoint="/v1/chat/completions", key_id=key, amounts=amounts)
    return LedgerRow(project=project, batch_id=new_id(at, os.urandom(10)), chunk=0, sealed_at=at, tally=tally)


def write_past(data: Path, rows: Iterable[LedgerRow]) -> None:
    """In a thread: the browser's driver has an event loop in this one."""

    async def write() -> None:
        stores = open_stores(data)
        for row in rows:
            await stores.usage.write([row])
        await stores.close()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, write()).result()
