"""Doing many things, some at a time, so that neither a slow one nor a failing one stops the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

AT_ONCE = 16


async def do_all(works: Iterable[Callable[[], Awaitable[None]]], *, at_once: int = AT_ONCE) -> None:
    """Do each, `at_once` at a time. What failed is raised when all are through, as one ExceptionGroup."""
    limit = asyncio.Semaphore(at_once)

    async def do(work: Callable[[], Awaitable[None]]) -> None:
        async with limit:
            await work()

    outcomes = await asyncio.gather(*(do(work) for work in works), return_exceptions=True)
    failures = [outcome for outcome in outcomes if outcome is not None]
    if failures:
        raise BaseExceptionGroup(f"{len(failures)} of {len(outcomes)} failed, the first with {failures[0]!r}", failures)
