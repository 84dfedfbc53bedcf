"""Writing down what administrators do, before it is done."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from api.edge.endpoint import Call
from shared.domain import ids
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.audit import Actor, ActorKind, AuditEvent
from shared.domain.keys.caller import ADMINISTRATOR, Caller
from shared.domain.keys.organization import Organization
from shared.domain.keys.project import Project
from shared.domain.keys.service_account import ServiceAccount


async def write_down(
    call: Call,
    event: str,
    resource: Organization | Project | ServiceAccount | ApiKey,
    project: Project | None = None,
    **details: Any,
) -> None:
    """One entry about `resource`, which is of `project`. `details` are `data` of what is made or `changes_requested`.

    They are what an administrator sent: no secret is in it. Raises Unavailable: then it is not done either.
    """
    await call.service.stores.audit_log.append(
        AuditEvent(
            id=ids.new_id(call.service.now(), os.urandom(10)),
            type=event,
            actor=_actor(call.caller),
            project_id=project.id if project else None,
            resource_id=resource.id,
            details={name: msgspec.json.encode(value).decode() for name, value in details.items()},
        )
    )


def _actor(caller: Caller) -> Actor:
    if caller.key_id:
        return Actor(kind=ActorKind.API_KEY, name=caller.name, id=caller.key_id)
    if caller == ADMINISTRATOR:
        return Actor(kind=ActorKind.BOOTSTRAP_KEY, name=caller.name)
    return Actor(kind=ActorKind.TOKEN, name=caller.name, id=caller.name)
