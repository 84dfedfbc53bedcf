"""Files and functions stay small enough to read in one sitting."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.product import ROOT, sources

MOST_FILE_LINES = 300
MOST_FUNCTION_LINES = 50
# path or path::function -> why it may be larger. Meant to stay empty.
ALLOWED: dict[str, str] = {}


def _large_functions(path: Path) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}::{node.name}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MOST_FUNCTION_LINES
    ]


@pytest.mark.parametrize("path", sorted(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_small(path: Path) -> None:
    """A source file has at most 300 lines."""
    name = str(path.relative_to(ROOT))

    assert len(path.read_text().splitlines()) <= MOST_FILE_LINES or name in ALLOWED


@pytest.mark.parametrize("path", sorted(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_are_small(path: Path) -> None:
    """A function has at most 50 lines."""
    assert [name for name in _large_functions(path) if name not in ALLOWED] == []


def test_allowances_are_used() -> None:
    """Nothing is allowed to be large that is small or gone."""
    large = {name for path in sources() for name in _large_functions(path)}
    large |= {str(path.relative_to(ROOT)) for path in sources() if len(path.read_text().splitlines()) > MOST_FILE_LINES}

    assert ALLOWED.keys() <= large
