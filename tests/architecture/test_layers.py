"""The layer rule and the orchestrators' purity, as ARCHITECTURE.md states them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.product import ROOT, sources

ORCHESTRATORS = sorted((ROOT / "orchestrators").glob("*.py"))
# What the local host and the durable SDK replay alike. task_any, external events, entities and built-in retry are not.
REPLAYABLE = {
    "call_activity",
    "new_uuid",
    "call_sub_orchestrator",
    "continue_as_new",
    "create_timer",
    "current_utc_datetime",
    "get_input",
    "instance_id",
    "set_custom_status",
    "task_all",
}


def test_imports_keep_the_layers() -> None:
    """Every contract of import-linter in pyproject.toml is kept."""
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout


def test_domain_takes_only_parsing_from_urllib() -> None:
    """The domain imports `urllib.parse` and nothing else of urllib, which import-linter cannot tell apart."""
    imported = {
        name
        for path in (ROOT / "shared/domain").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if name.split(".")[0] == "urllib"
    }

    assert imported <= {"urllib.parse"}


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def _context_attributes(tree: ast.AST) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "context"
    }


@pytest.mark.parametrize("path", ORCHESTRATORS, ids=lambda path: path.name)
def test_orchestrators_use_replayable_calls_only(path: Path) -> None:
    """An orchestrator touches its context through the replayable calls and no other."""
    assert _context_attributes(ast.parse(path.read_text())) <= REPLAYABLE


def test_orchestrators_call_their_context() -> None:
    """The check above sees the calls: an orchestrator's context is named `context`."""
    used = set.union(*(_context_attributes(ast.parse(path.read_text())) for path in ORCHESTRATORS))

    assert {"call_activity", "get_input", "task_all"} <= used


@pytest.mark.parametrize("path", ORCHESTRATORS, ids=lambda path: path.name)
def test_orchestrators_know_no_present(path: Path) -> None:
    """An orchestrator reads no clock but its context's: no `now`, `today` or `utcnow` of datetime."""
    names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}

    assert not names & {"now", "today", "utcnow"}


def _decides_on_locality(tree: ast.AST) -> bool:
    conditions = [node.test for node in ast.walk(tree) if isinstance(node, ast.If | ast.IfExp | ast.While)]
    names = [
        part.id if isinstance(part, ast.Name) else part.attr
        for condition in conditions
        for part in ast.walk(condition)
        if isinstance(part, ast.Name | ast.Attribute)
    ]
    return any("local" in name.lower().split("_") for name in names)


@pytest.mark.parametrize(
    "path",
    [path for path in sources() if path.relative_to(ROOT).parts[0] not in {"local_host", "scripts"}],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_product_never_asks_whether_it_is_local(path: Path) -> None:
    """No condition of the product depends on running on the local host."""
    assert not _decides_on_locality(ast.parse(path.read_text()))
