"""Whether an orchestration is alive, for the timers that start what is not."""

from __future__ import annotations

import azure.durable_functions as df

_ALIVE = frozenset({"Running", "Pending", "Suspended", "ContinuedAsNew"})


async def is_alive(client: df.DurableOrchestrationClient, instance_id: str) -> bool:
    status = await client.get_status(instance_id)
    return bool(status) and status.runtime_status is not None and status.runtime_status.value in _ALIVE
