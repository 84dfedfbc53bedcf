"""The model servers."""

from __future__ import annotations

from typing import Protocol

from shared.answer_room import Share
from shared.domain.upstream.upstream import UpstreamAnswer, UpstreamRequest


class Upstream(Protocol):
    """The one seam through which lines reach a model."""

    async def send(self, request: UpstreamRequest, share: Share | None = None) -> UpstreamAnswer:
        """Send once, without retries. Never raises for what the network or the upstream does: that is the answer.

        A large answer takes room of `share`, which is the caller's to give back.
        """
        ...

    async def close(self) -> None: ...
