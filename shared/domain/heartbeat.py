"""Heartbeats: one row per running lane under its deployment, from which every lane computes its fair share."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Lane `lane` of batch `batch_id` was alive `at`."""

    deployment: str
    batch_id: str
    lane: int
    at: datetime
