"""Log lines: what `shared.telemetry.actions` declares is what the code says, both ways."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from shared.telemetry.actions import ACTIONS

ROOT = Path(__file__).parents[2]
FOLDERS = ("api", "orchestrators", "activities", "timers", "shared")


def _extras(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    """The keys of every dictionary with an `action`; the action itself comes first."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            if "action" in keys:
                action = node.values[keys.index("action")]
                assert isinstance(action, ast.Constant), ast.unparse(node)
                yield action.value, *(key for key in keys if key != "action")


def _said() -> set[tuple[str, ...]]:
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return {extra for path in paths for extra in _extras(ast.parse(path.read_text()))}


def test_every_action_is_declared_and_said() -> None:
    """Each action of a log line is declared with the keys beside it, and each that is declared is said somewhere."""
    assert _said() == {(action, *keys) for action, keys in ACTIONS.items()}


def test_undeclared_action_is_seen() -> None:
    """What the test above reads from code is the action and its keys."""
    line = 'log.info("Said.", extra={"action": "unheard_of", "batch_id": batch.id})'

    assert list(_extras(ast.parse(line))) == [("unheard_of", "batch_id")]
