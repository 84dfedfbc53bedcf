"""The ledger of usage, and its rollups."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.usage.ledger import LedgerHour, LedgerRow, Rollup, Width
from shared.ports.base import Stored


class UsageStore(Protocol):
    """Ledger rows by project and hour; rollups (compare-and-swap); which hours are due, that is to be summed again."""

    async def write(self, rows: Sequence[LedgerRow]) -> None:
        """Insert or replace rows of one hour of one project; then the hour is due.

        If it raises, some rows may be there without their hour being due: write all of them again.
        """
        ...

    def rows(self, hour: datetime, project: str | None = None) -> AsyncIterator[LedgerRow]:
        """Every row of the hour that begins then, of one project or all, in no particular order. Raises Damaged."""
        ...

    async def forget(self, before: datetime, most: int) -> int:
        """Remove rows of hours that begin before then, oldest first; returns how many, at most `most`.

        Rollups stay. May stop anywhere, and be repeated.
        """
        ...

    async def due(self) -> list[Stored[LedgerHour]]:
        """Every hour of any project that was written to since it was settled; cost grows with these alone."""
        ...

    async def settle(self, hour: LedgerHour, version: str) -> None:
        """The hour is not due any more. Nothing happens if it was written to since it was due at `version`."""
        ...

    async def rollup(self, project: str, width: Width, start: datetime) -> Stored[Rollup] | None: ...

    async def put_rollup(self, rollup: Rollup, version: str | None) -> None:
        """Insert (`version` None) or replace. Raises Changed."""
        ...

    def rollups(
        self, width: Width, first: datetime, until: datetime, project: str | None = None
    ) -> AsyncIterator[Rollup]:
        """Those that begin from `first` on and before `until`, of one project or all, in order of their start."""
        ...
