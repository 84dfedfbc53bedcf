"""Heartbeats of running lanes."""

from __future__ import annotations

from typing import Protocol

from shared.domain.pace.heartbeat import Heartbeat
from shared.ports.base import Stored


class HeartbeatStore(Protocol):
    """One heartbeat a lane, under its deployment. A damaged one counts as none: the lane beats anew."""

    async def beat(self, heartbeat: Heartbeat) -> None:
        """Insert or replace the lane's heartbeat under its deployment."""
        ...

    async def claim(self, heartbeat: Heartbeat, version: str | None) -> None:
        """Insert (`version` None) or replace the lane's heartbeat. Raises Changed."""
        ...

    async def get(self, deployment: str, batch_id: str, lane: int) -> Stored[Heartbeat] | None: ...

    async def stop(self, heartbeat: Heartbeat) -> None:
        """Remove the lane's heartbeat; nothing happens if there is none."""
        ...

    async def list(self, deployment: str, batch_id: str | None = None) -> list[Heartbeat]:
        """Every heartbeat under the deployment, or that batch's only (cost grows with these); stale ones included."""
        ...
