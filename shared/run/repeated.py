"""A storage call that is one of very many: where each in a hundred fails, a thousand never all succeed.

A piece of work that begins again when one of its calls fails is as likely to fail the next time; so the call alone is
made again, at once, as storage's client has waited already. Whoever makes a few calls lets the activity be repeated.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from shared.domain.errors import Unavailable

TRIES: Final = 4

T = TypeVar("T")


async def repeated(call: Callable[[], Awaitable[T]]) -> T:
    """What `call`, which may be made twice, answers. Raises Unavailable when its last try does."""
    for _ in range(TRIES - 1):
        with suppress(Unavailable):
            return await call()
    return await call()
