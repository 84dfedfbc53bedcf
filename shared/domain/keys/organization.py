"""The organization: all projects of an installation together, what they may spend, and who is told of it."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.domain.usage.spend_alert import SpendAlert
from shared.domain.usage.spend_limit import SpendLimit

ORGANIZATION: Final = "organization"  # Its id: there is one.


class Organization(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """It has a record from when an administrator first changes it; until then it is as this makes it."""

    spend_limit: SpendLimit | None = None
    spend_alerts: tuple[SpendAlert, ...] = ()

    @property
    def id(self) -> str:
        return ORGANIZATION
