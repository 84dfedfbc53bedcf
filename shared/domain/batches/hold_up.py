"""Why a batch gets on slowly or not at all, in sentences for the people who wait for it.

Rule of this file: a sentence says what is the matter and who has to do something; it names no credential and no prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.domain.batches.restarts import Restarts, in_vain
from shared.domain.pace.heartbeat import Heartbeat


class HoldUp(msgspec.Struct, frozen=True, kw_only=True):
    """`until`: when the batch tries again, at the latest; None: it works, only slower."""

    until: datetime | None
    reason: str


def hold_up(heartbeats: Sequence[Heartbeat], now: datetime, stale_after_seconds: float) -> HoldUp | None:
    """What the heartbeats of one batch say; None if nothing holds it up. It pauses when all of its lanes do."""
    live = [beat for beat in heartbeats if beat.is_live(now, stale_after_seconds)]
    if live:
        reason = next((beat.reason for beat in live if beat.reason), None)
        return HoldUp(until=None, reason=reason) if reason else None
    paused = [
        HoldUp(until=beat.paused_until, reason=beat.reason)
        for beat in heartbeats
        if beat.reason and beat.paused_until and beat.paused_until > now
    ]
    return min(paused, key=lambda one: one.until or now, default=None)


def run_hold_up(restarts: Restarts | None, progress: str) -> HoldUp | None:
    """What the starts of its run say of a batch that is at `progress`, none of whose lanes is at work."""
    last = in_vain(restarts, progress)
    if last is None or not last.are_many:
        return None
    return HoldUp(until=last.next_at, reason=run_fails(last.count))


_TRIES_AGAIN = "The service tries again by itself; no request fails in the meantime."
_SICK = {
    "status_401": "The upstream refuses the service's credential (HTTP 401). The operator has to correct the api_key "
    "of the deployment, or the rights of the service's identity; the batch then goes on by itself.",
    "status_400": "The upstream refuses the service's credential (HTTP 400). The operator has to correct the api_key "
    "of the deployment; the batch then goes on by itself.",
    "status_402": "The upstream wants to be paid (HTTP 402). The operator has to see to the account; the batch then "
    "goes on by itself.",
    "status_403": "The upstream forbids every request (HTTP 403). The operator has to check the credential, its "
    "rights, and what stands in front of the upstream; the batch then goes on by itself.",
    "status_404": "The upstream does not have the model (HTTP 404). The operator has to correct the model or the "
    "base_url of the deployment; the batch then goes on by itself.",
    "identity": "The service gets no token for its managed identity. The operator has to check the identity and its "
    "rights; the batch then goes on by itself.",
    "unreachable": f"The upstream cannot be reached. {_TRIES_AGAIN}",
    "connection": f"The upstream breaks the connection. {_TRIES_AGAIN}",
    "timeout": f"The upstream does not answer in time. {_TRIES_AGAIN}",
    "invalid_answer": f"The upstream answers HTTP 200 without the JSON object expected. {_TRIES_AGAIN}",
}


def sick_upstream(reason: str, words: str | None = None) -> str:
    """`reason` and `words` are those of one `upstream.Retry`."""
    status = reason.removeprefix("status_")
    sentence = _SICK.get(reason) or f"The upstream answers HTTP {status} again and again. {_TRIES_AGAIN}"
    return f'{sentence} It says: "{words}"' if words else sentence


def asked_to_wait(reason: str, seconds: float) -> str:
    """`reason` is one of `upstream.Retry`."""
    status = reason.removeprefix("status_")
    return f"The upstream answered HTTP {status} and asks for a pause of {seconds:,.0f} seconds."


def slowed_down(reason: str) -> str:
    """`reason` is one of `upstream.Retry`."""
    status = reason.removeprefix("status_")
    return f"The upstream answers HTTP {status} to some requests. They are slowed down to what it bears."


def of_target(name: str, reason: str) -> str:
    """`reason` is a sentence about one of several targets; the others are asked meanwhile."""
    return f"Target '{name}' of the deployment: {reason}"


def no_target_left(targets: int, name: str, reason: str | None) -> str:
    """`name` is that of the target which is asked first again, `reason` why it is not asked now."""
    said = f"None of the {targets} targets of the deployment can be asked now."
    return f"{said} {of_target(name, reason)}" if reason else said


def out_of_turn(deployment: str, limit: int) -> str:
    """`limit` in requests."""
    return (
        f"The deployment '{deployment}' lets {limit:,} requests run at once. Batches take turns; this one is waiting."
    )


def suspended() -> str:
    return "The operator of the service has suspended the batch's run. The batch goes on when the run is resumed."


def paused() -> str:
    return "The batch is paused by its caller. It goes on when it is resumed; its completion window goes on meanwhile."


def storage_full() -> str:
    return (
        "The storage of the service is full: results cannot be written. Its operator has to make room; the batch then "
        "goes on by itself, and no request fails in the meantime."
    )


def no_room(deployment: str, needed: int, ahead_tokens: int, ahead_batches: int, limit: int) -> str:
    """Amounts in enqueued tokens; `ahead_batches` are those before this one."""
    batches = "1 batch before this one has" if ahead_batches == 1 else f"{ahead_batches:,} batches before this one have"
    return (
        f"Waiting for room in the enqueued tokens of the deployment '{deployment}': the limit is {limit:,}, "
        f"{batches} {ahead_tokens:,}, this one needs {needed:,}. It starts by itself, in order."
    )


def deployment_gone(deployment: str) -> str:
    return (
        f"The deployment '{deployment}' is gone from the service's configuration. The operator has to put it back into "
        "BATCH_DEPLOYMENTS; the batch then goes on by itself. Nothing fails in the meantime, and it can be cancelled."
    )


def endpoint_gone(deployment: str, endpoint: str) -> str:
    return (
        f"The deployment '{deployment}' does not serve {endpoint} any more. The operator has to add it to the "
        "deployment's `endpoints` in BATCH_DEPLOYMENTS; the batch then goes on by itself. Nothing fails in the "
        "meantime, and it can be cancelled."
    )


def run_fails(starts: int) -> str:
    return (
        f"The batch has not got on in {starts} attempts of the service to run it. The operator has to look: the log of "
        "the service has the cause (action `run_fails`). It goes on trying by itself; nothing fails in the meantime."
    )
