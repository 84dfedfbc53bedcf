"""Doing work on what a store yields, a page at a time and a bounded number in all: a pass of a timer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")

PAGE: Final = 100


async def in_pages(items: AsyncIterator[T], work: Callable[[list[T]], Awaitable[Any]], most: int) -> int:
    """Have `work` done on pages of at most `most` items; returns how many there were.

    A page that fails does not stop those after it; what failed is raised at the end, as one ExceptionGroup.
    """
    count, page, failures = 0, list[T](), list[Exception]()

    async def turn() -> None:
        try:
            await work(page)
        except Exception as error:  # whatever it is, it is raised below
            failures.append(error)

    async with aclosing(cast("Any", items)):
        async for item in items:
            page.append(item)
            count += 1
            if len(page) == PAGE or count == most:
                await turn()
                page = []
            if count == most:
                break
    if page:
        await turn()
    if failures:
        raise ExceptionGroup(f"{len(failures)} pages failed, the first with {failures[0]!r}", failures)
    return count
