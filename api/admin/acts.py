"""What the acts of administrators have in common: each is written down, then done, and done once.

What a process remembers of callers is forgotten after every such call (`api/edge/endpoint.py`).

Rule of this file: the entry in the audit log comes first. What is in the log may not have happened, if the service died
in between; what happened is in the log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from azurefunctions.extensions.http.fastapi import Request

from api.edge.endpoint import Call
from api.edge.repeated_creates import Claim, claim
from shared.ports.base import Changed, Stored

MAX_LIST: Final = 100
DEFAULT_LIST: Final = 20
T = TypeVar("T")


async def claim_as_administrator(
    request: Request, call: Call, body: bytes, find: Callable[[str], Awaitable[T | None]]
) -> Claim[T]:
    """`claim` among the calls of the same administrator's key."""
    return await claim(request, call, body, find, owner=f"administrator {call.caller.key_id}")


async def change(
    find: Callable[[], Awaitable[Stored[T]]],
    alter: Callable[[T], T],
    write_down: Callable[[T], Awaitable[None]],
    replace: Callable[[T, str], Awaitable[str]],
) -> T:
    """The object as `alter` makes it of what `find` finds, however many change it at once.

    Where nothing changes nothing is written. Raises what `find` and `alter` raise.
    """
    is_written_down = False
    while True:
        stored = await find()
        value = alter(stored.value)
        if value == stored.value:
            return value
        if not is_written_down:
            await write_down(value)
            is_written_down = True
        try:
            await replace(value, stored.version)
        except Changed:
            continue
        return value
