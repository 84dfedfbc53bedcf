"""How each of several targets fares, as the lanes of one batch have found it. For the batch's caller.

Rule of this file: where lanes differ, those at work count, and of them the one where the target fares best: it has the
newest answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.domain.pace.deployment_health import Health
from shared.domain.pace.heartbeat import Heartbeat, TargetBeat

_WORST_LAST = (Health.OK, Health.SLOWED, Health.PAUSED)


class TargetState(msgspec.Struct, frozen=True, kw_only=True):
    """`until`: when a paused one is asked again, at the latest; `reason` is a sentence."""

    name: str
    status: Health
    until: datetime | None = None
    reason: str | None = None


def target_states(
    heartbeats: Sequence[Heartbeat], now: datetime, stale_after_seconds: float
) -> tuple[TargetState, ...]:
    """By the `heartbeats` of a batch, in the order of the configuration; none where the deployment has but one."""
    live = [beat for beat in heartbeats if beat.is_live(now, stale_after_seconds)]
    told = [said for beat in live or heartbeats for said in beat.targets]
    names = dict.fromkeys(said.target for said in told)
    return tuple(min((_state(said, now) for said in told if said.target == name), key=_order) for name in names)


def _state(said: TargetBeat, now: datetime) -> TargetState:
    if said.paused_until is not None and said.paused_until > now:
        return TargetState(name=said.target, status=Health.PAUSED, until=said.paused_until, reason=said.reason)
    status = Health.SLOWED if said.reason or said.sick else Health.OK
    return TargetState(name=said.target, status=status, reason=said.reason)


def _order(state: TargetState) -> tuple[int, float]:
    return _WORST_LAST.index(state.status), state.until.timestamp() if state.until else 0.0
