"""What clients and operators do to instances from outside, each act as the work of one transaction.

Rule: answers and refusals are the platform's (tests/azure_host compares them). Acts that make an instance ready return
whom; they do nothing in the world.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from local_host.durable import episode, events
from local_host.durable.episode import Consequences
from local_host.durable.history import Records
from local_host.durable.instance import ENDED, InstanceStatus, RuntimeStatus
from local_host.durable.refusals import InstanceEnded, InstanceExists, InstanceMissing, SteeredTwice, WrongStatus
from local_host.durable.rewind import rewind as rewind_instance


def found(records: Records, instance_id: str) -> InstanceStatus:
    """Raises InstanceMissing."""
    instance = records.instance(instance_id)
    if instance is None:
        raise InstanceMissing(f"There is no orchestration instance with the id {instance_id!r}.")
    return instance


def living(records: Records, instance_id: str) -> InstanceStatus:
    """Raises InstanceMissing, InstanceEnded."""
    instance = found(records, instance_id)
    if instance.is_ended:
        raise InstanceEnded(f"The orchestration instance {instance_id!r} has ended.")
    return instance


def start(records: Records, now: datetime, *, name: str, instance_id: str, input_json: str | None) -> Consequences:
    """An ended instance of that id is replaced. Raises InstanceExists."""
    existing = records.instance(instance_id)
    if existing is not None and not existing.is_ended:
        raise InstanceExists(f"An orchestration instance with the id {instance_id!r} already exists and has not ended.")
    episode.create(records, now, name=name, instance_id=instance_id, input_json=input_json, parent=None)
    return Consequences(ready=[instance_id])


def raise_event(records: Records, now: datetime, instance_id: str, name: str, input_json: str) -> Consequences:
    living(records, instance_id)
    records.post(instance_id, None, events.event_raised(now, name=name, input_json=input_json))
    return Consequences(ready=[instance_id])


def terminate(records: Records, now: datetime, instance_id: str, reason: str) -> Consequences:
    """Its children and running activities go on."""
    instance = living(records, instance_id)
    return Consequences(
        ready=episode.end_instance(records, now, instance, RuntimeStatus.TERMINATED, json.dumps(reason))
    )


def suspend(records: Records, now: datetime, instance_id: str, reason: str) -> Consequences:
    """Keep its messages from it until `resume`. Raises SteeredTwice."""
    instance = living(records, instance_id)
    if instance.runtime_status is RuntimeStatus.SUSPENDED:
        raise _steered_twice(instance, "suspend")
    _set_status(records, now, instance, RuntimeStatus.SUSPENDED, reason)
    return Consequences()


def resume(records: Records, now: datetime, instance_id: str, reason: str) -> Consequences:
    """Undo `suspend`. Raises SteeredTwice."""
    instance = living(records, instance_id)
    if instance.runtime_status is not RuntimeStatus.SUSPENDED:
        raise _steered_twice(instance, "resume")
    _set_status(records, now, instance, RuntimeStatus.RUNNING, reason)
    return Consequences(ready=[instance_id])


def _steered_twice(instance: InstanceStatus, act: str) -> SteeredTwice:
    return SteeredTwice(
        f"Cannot {act} the orchestration instance {instance.instance_id} because instance is in the "
        f"{instance.runtime_status} state."
    )


def _set_status(records: Records, now: datetime, instance: InstanceStatus, status: RuntimeStatus, reason: str) -> None:
    """The reason shows as the instance's output, until it has one."""
    records.put_instance(replace(instance, runtime_status=status, output_json=json.dumps(reason), updated_at=now))


def rewind(records: Records, now: datetime, instance_id: str, reason: str) -> Consequences:
    """Raises InstanceMissing, WrongStatus."""
    instance = found(records, instance_id)
    if instance.runtime_status is not RuntimeStatus.FAILED:
        raise WrongStatus(
            f"This orchestration has status {instance.runtime_status}, but only orchestrations in the "
            '"Failed" state can be rewound.'
        )
    return Consequences(ready=rewind_instance(records, now, instance_id, reason))


def restart(records: Records, now: datetime, instance_id: str, new_id: str) -> Consequences:
    """Its code and input again, under `new_id`, which may be its own. Raises InstanceMissing, InstanceExists."""
    old = found(records, instance_id)
    return start(records, now, name=old.name, instance_id=new_id, input_json=old.input_json)


def purge(records: Records, instance_id: str) -> None:
    """Forget an ended instance. Raises InstanceMissing, WrongStatus."""
    instance = found(records, instance_id)
    if not instance.is_ended:
        raise WrongStatus(
            "Only orchestrations in a terminal state can be purged, but the orchestration with instance ID "
            f"{instance_id} has status {instance.runtime_status}"
        )
    records.purge(instance_id)


def purge_by(
    records: Records, *, statuses: Collection[str] | None, created_from: datetime | None, created_to: datetime | None
) -> int:
    """Forget all ended instances that match; return how many."""
    wanted = ENDED if statuses is None else ENDED & set(statuses)
    matching = records.instances(statuses=wanted, created_from=created_from, created_to=created_to)
    for instance in matching:
        records.purge(instance.instance_id)
    return len(matching)
