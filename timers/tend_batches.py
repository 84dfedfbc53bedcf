"""Every quarter of a minute: sees that what is unfinished is under way, runs of batches and deliveries of webhooks."""

from __future__ import annotations

from functools import partial

import azure.durable_functions as df
import azure.functions as func

from shared.run.do_all import do_all
from shared.services import services
from timers.reconcile_batches import reconcile_batches
from timers.start_deliveries import start_deliveries


async def tend_batches(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:  # noqa: ARG001 - the trigger's binding
    """One look; what fails is tried again by the next."""
    service = services()
    await do_all(partial(tend, service, client) for tend in (reconcile_batches, start_deliveries))
