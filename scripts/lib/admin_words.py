"""What `scripts/admin` says: tables and answers to standard output, everything else beside it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any


def show(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table, as wide as it has to be."""
    if not rows:
        say("There is nothing yet.")
        return
    table = [tuple(heads), *(tuple(map(str, row)) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def say(*lines: str) -> None:
    print("\n".join(lines), file=sys.stderr)


def words_of(found: Mapping[str, Any] | None) -> str:
    if not found:
        return "without limit"
    interval = "in all" if found["interval"] == "total" else f"a {found['interval']}"
    stops = ", which also stops batches that run" if found.get("stops_batches") else ""
    return f"{found['threshold_amount'] / 100:.2f} {found['currency']} {interval}{stops}"


def day(at: int | None) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat() if at else "never"
