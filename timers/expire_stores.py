"""Every ten minutes: removes what is over, sums what is used, and tells of spend alerts."""

from __future__ import annotations

from functools import partial

import azure.functions as func

from shared.run.do_all import do_all
from shared.services import services
from timers.expire_files import expire_files
from timers.expire_uploads import expire_uploads
from timers.forget_batches import forget_batches
from timers.forget_creations import forget_creations
from timers.forget_spending import forget_spending
from timers.forget_usage import forget_usage
from timers.roll_up_usage import roll_up_usage
from timers.settle_usage import settle_owed_usage
from timers.tell_spend_alerts import tell_spend_alerts


async def expire_stores(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's binding
    """One sweep; what a crash leaves is found by the next."""
    service = services()
    ends = (expire_files, expire_uploads, forget_creations, forget_batches, forget_usage, forget_spending)
    works = (*ends, settle_owed_usage, roll_up_usage, tell_spend_alerts)
    await do_all(partial(work, service) for work in works)
