"""One spelling of what every part of the product has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.product import ROOT, sources


def misspelt(tree: ast.AST) -> Iterator[str]:
    """Names of loggers that are not `log`; parameters, fields and variables called `services`, as the function is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("logging.getLogger(__name__"):
            yield from (name for name in map(ast.unparse, node.targets) if name != "log")
        if isinstance(node, ast.arg) and node.arg == "services":
            yield node.arg
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == "services":
            yield node.id


@pytest.mark.parametrize("path", sorted(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_one_spelling(path: Path) -> None:
    """A module's logger is `log`, the dependencies are `service`."""
    assert list(misspelt(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("_log = logging.getLogger(__name__)", ["_log"]),
        ("log = logging.getLogger(__name__)\nroot = logging.getLogger()", []),
        ("def show(services: Services): ...", ["services"]),
        ("class Call:\n    services: Services", ["services"]),
        ("def show(call: Call):\n    services = call.service", ["services"]),
        ("def show(service: Services, batch: Batch): ...", []),
        ("from shared.services import services\nservice = services()", []),
    ],
)
def test_another_spelling_would_be_found(text: str, expected: list[str]) -> None:
    """Of either."""
    assert list(misspelt(ast.parse(text))) == expected
