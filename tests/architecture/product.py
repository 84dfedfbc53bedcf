"""The product's source files, for the tests that read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("api", "orchestrators", "activities", "timers", "shared", "local_host", "scripts/lib", "dbatch")


def sources() -> Iterator[Path]:
    """Every Python file that is no test."""
    yield from ROOT.glob("*.py")
    for folder in FOLDERS:
        yield from (ROOT / folder).rglob("*.py")
