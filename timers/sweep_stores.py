"""Every night: removes what nobody will ask for, bytes without a record and histories of runs that are long over."""

from __future__ import annotations

from functools import partial

import azure.durable_functions as df
import azure.functions as func

from shared.run.do_all import do_all
from shared.services import services
from timers.purge_history import purge_history
from timers.sweep_orphans import sweep_orphans


async def sweep_stores(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:  # noqa: ARG001 - the trigger's binding
    """One sweep; what a crash leaves is found by the next."""
    service = services()
    await do_all([partial(sweep_orphans, service), partial(purge_history, service, client)])
