"""docs/telemetry.md has what is declared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.telemetry.tables import actions_table, metrics_table, spans_table

DOCUMENT = Path(__file__).parents[2] / "docs/telemetry.md"


@pytest.mark.parametrize("table", [metrics_table, spans_table, actions_table])
def test_table_is_in_the_document(table: Callable[[], str]) -> None:
    """Each table is in the document, line for line (`python -m tests.telemetry.tables` prints them)."""
    assert [line for line in table().splitlines() if line not in DOCUMENT.read_text().splitlines()] == []
    assert table() in DOCUMENT.read_text()
