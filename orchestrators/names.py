"""Names of orchestrators and activities. A name is identity: renaming one orphans running instances."""

from __future__ import annotations

from typing import Final

RUN_BATCH: Final = "run_batch"
RUN_LANE: Final = "run_lane"
DELIVER_WEBHOOK: Final = "deliver_webhook"

VALIDATE_INPUT: Final = "validate_input"
RESERVE_QUOTA: Final = "reserve_quota"
WORK_LANE: Final = "work_lane"
FINISH_BATCH: Final = "finish_batch"
SEND_WEBHOOK: Final = "send_webhook"


def lanes_of(batch_id: str) -> str:
    """What the instance ids of all lanes of a batch begin with, whichever run started them."""
    return f"{batch_id}:lane:"
