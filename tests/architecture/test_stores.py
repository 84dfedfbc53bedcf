"""A store is named where CONTRIBUTING.md says, and nowhere else: its port, its adapters, the place that makes them."""

from __future__ import annotations

import ast
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from shared.ports.stores import Stores
from tests.architecture.product import ROOT, sources

NOUNS = [each.name for each in fields(Stores) if each.name != "close"]
FACTORIES = {"shared/azure": "connect.py", "local_host/stores": "stores.py"}
PORTS = sorted(path for path in (ROOT / "shared/ports").glob("*.py") if path.stem not in {"__init__", "base", "stores"})


@cache
def _imported(path: Path) -> frozenset[str]:
    """The modules that the file imports, and what it takes from them, which may be modules as well."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def _importers(module: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in sources() if module in _imported(path)}


@pytest.mark.parametrize("noun", NOUNS)
def test_a_store_has_its_files(noun: str) -> None:
    """A port, and in each back end one adapter that its factory alone imports."""
    assert (ROOT / f"shared/ports/{noun}.py").exists()
    for folder, factory in FACTORIES.items():
        adapters = [path for path in (ROOT / folder).glob("*.py") if path.stem in _names(noun)]

        assert [path.parent.name for path in adapters] == [Path(folder).name], f"{folder} has not one file of {noun}"
        module = f"{folder.replace('/', '.')}.{adapters[0].stem}"
        assert _importers(module) == {f"{folder}/{factory}"}


def _names(noun: str) -> set[str]:
    """Of an adapter's module: the noun, after the technology it is made with."""
    return {noun, *(f"{technology}_{noun}" for technology in ("table", "blob", "sqlite", "disk"))}


@pytest.mark.parametrize("path", PORTS, ids=lambda path: path.name)
def test_a_port_knows_no_other(path: Path) -> None:
    """Of the ports, one imports `base` at most."""
    ports = {name for name in _imported(path) if name.startswith("shared.ports.")}

    assert {name for name in ports if not name.startswith("shared.ports.base")} == set()
