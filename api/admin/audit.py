"""The audit log: what administrators did."""

from __future__ import annotations

from typing import Any

from api.edge.endpoint import Call
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.project import Project
from shared.domain.keys.service_account import ServiceAccount


async def write_down(
    call: Call, event: str, resource: Project | ServiceAccount | ApiKey, project: Project | None = None, **details: Any
) -> None:
    """One entry; `details` are `data` or `changes_requested`."""
