"""Tests turn what the product offers to be turned; they do not reach into its modules and classes.

What a test must turn is a parameter, with the constant as its default, or a setting. A patched constant binds the test
to the module's insides, and holds no longer once the name is imported elsewhere. Other people's libraries may be patched.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.product import ROOT

OURS = ("api", "orchestrators", "activities", "timers", "shared", "local_host", "function_app", "scripts")
# monkeypatch's and mock's
PATCHING = {"setattr", "delattr", "setitem", "delitem", "object", "patch", "dict", "multiple"}


def is_ours(name: str) -> bool:
    return name.split(".")[0] in OURS


def patched(tree: ast.AST) -> Iterator[str]:
    """What of ours is patched: a dotted path, or a name that was imported from us."""
    imported = {
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if is_ours((isinstance(node, ast.ImportFrom) and node.module) or alias.name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) in PATCHING and _is_patching(node.func) and node.args:
            yield from _ours(node.args[0], imported)
        if isinstance(node, ast.Assign):
            targets = [target.value for target in node.targets if isinstance(target, ast.Attribute)]
            yield from (target.id for target in targets if isinstance(target, ast.Name) and target.id in imported)


def _is_patching(function: ast.expr) -> bool:
    return any(word in ast.unparse(function) for word in ("patch", "mock"))


def _last_name(function: ast.expr) -> str:
    return ast.unparse(function).rsplit(".", 1)[-1]


def _ours(target: ast.expr, imported: set[str]) -> Iterator[str]:
    """`target` is what is patched: "a.dotted.path", a module or class that was imported, or the class of something."""
    if isinstance(target, ast.Constant) and isinstance(target.value, str) and is_ours(target.value):
        yield target.value
    if ast.unparse(target).split(".")[0] in imported:
        yield ast.unparse(target)
    if isinstance(target, ast.Call) and _last_name(target.func) == "type":
        yield ast.unparse(target)


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_of_ours_is_patched(path: Path) -> None:
    """No module, constant, function or class of the product, by whatever way."""
    found = set(patched(ast.parse(path.read_text())))

    assert found == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from shared.run import checks\nmonkeypatch.setattr(checks, 'SECONDS', 1)", ["checks"]),
        ("monkeypatch.setattr('shared.run.checks.SECONDS', 1)", ["shared.run.checks.SECONDS"]),
        ("import shared.run.checks\npatch.setattr(shared.run.checks, 'SECONDS', 1)", ["shared.run.checks"]),
        ("from shared.services import Services\nmock.patch.object(Services, 'now')", ["Services"]),
        ("from shared.run import checks as c\nc.SECONDS = 1", ["c"]),
        ("monkeypatch.setattr(type(service.stores.batches), 'replace', killed)", ["type(service.stores.batches)"]),
        ("@mock.patch('api.edge.health.check_all')\ndef test(): ...", ["api.edge.health.check_all"]),
        ("import os\nmonkeypatch.setattr(os, 'fsync', full)", []),
        ("from azure.storage.blob.aio import BlobClient\nmonkeypatch.setattr(BlobClient, 'append_block', full)", []),
        ("monkeypatch.setattr('azure.identity.RETRIES', 0)", []),
        ("from shared.services import services\nservices.batches = 1", ["services"]),
    ],
)
def test_patches_would_be_found(text: str, expected: list[str]) -> None:
    """The rule sees each way of patching, and leaves other people's alone."""
    assert list(patched(ast.parse(text))) == expected
