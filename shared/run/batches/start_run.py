"""What a run is started with. Every start has a name of its own: by it lanes tell whether the run is still theirs."""

from __future__ import annotations

import os
from typing import Any

from shared.domain.batches.batch import Batch


def run_input(batch: Batch) -> dict[str, Any]:
    """`{"owner", "batch_id", "run"}`; `run` differs from start to start."""
    return {"owner": batch.owner, "batch_id": batch.id, "run": os.urandom(8).hex()}
