"""How a deployment fares, as far as those at work there can tell. For callers of every project.

Rule of this file: it says nothing of whose batches these are, nor in whose words: a reason may quote another's answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from shared.domain.pace.heartbeat import Heartbeat


class Health(StrEnum):
    """`OK`: nothing is known against it, also where nobody asks it now."""

    OK = "ok"
    SLOWED = "slowed"
    PAUSED = "paused"


class DeploymentHealth(NamedTuple):
    """`until`: when a paused one is asked again, at the latest."""

    status: Health
    until: datetime | None = None


def deployment_health(beats: Sequence[Heartbeat], now: datetime, stale_after_seconds: float) -> DeploymentHealth:
    """A lane at work knows better than one that pauses; waiting for one's turn is nobody's illness."""
    live = [beat for beat in beats if beat.is_live(now, stale_after_seconds)]
    if live:
        return DeploymentHealth(Health.SLOWED if any(beat.reason for beat in live) else Health.OK)
    pauses = [beat.paused_until for beat in beats if beat.paused_until and beat.paused_until > now and not beat.queued]
    return DeploymentHealth(Health.PAUSED, min(pauses)) if pauses else DeploymentHealth(Health.OK)
