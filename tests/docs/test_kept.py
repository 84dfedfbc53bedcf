"""docs/operations.md tells of every kind of row and blob how long it lives and who ends it: nothing stays by accident."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from shared.azure.names import Names
from shared.run.health.storage_probe import BLOB
from tests.architecture.product import ROOT
from timers import expire_stores, sweep_stores, tend_batches

TIMERS = {module.__name__.rpartition(".")[2] for module in (expire_stores, sweep_stores, tend_batches)}
GUIDE = (ROOT / "docs/operations.md").read_text()
SECTION = GUIDE.partition("## Keeping and removing")[2].partition("\n### ")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in SECTION.splitlines() if line.startswith("| ")]
WHERE = {word for row in ROWS for word in re.findall(r"`([^`]+)`", row[1])}
NAMES = {field.name: str(field.default) for field in fields(Names)}
WRITES = {"put", "append", "stage_block", "commit_blocks"}
COLUMN = "$administrators"  # A value, where a row has a project.


@cache
def texts(*folders: str) -> tuple[str, ...]:
    """Every text in the code there, those between the braces of f-strings included."""
    files = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text())))
    return tuple(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def prefixes() -> set[str]:
    """What names of blobs begin with, up to the first slash."""
    return {text for text in texts("shared", "activities", "timers", "api/files") if re.fullmatch(r"[a-z+]+/", text)}


def marks() -> set[str]:
    """Partitions and rows that no caller's name can be, as `$due`."""
    return {text for text in texts("shared/azure", "shared/run") if re.fullmatch(r"\$[a-z]+_?", text)} - {COLUMN}


def test_the_walk_finds_what_is_known() -> None:
    """So that it finds what is not."""
    assert prefixes() == {"files/", "results/", "plans/", "journals/", "inputs/", "lost+found/"}
    assert {"$due", "$expiry", "$unfinished", "$parts_", "$rollups_", "$balance_", "$runs"} < marks()
    assert len(ROWS) > 20


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_every_table_has_a_row(name: str) -> None:
    """And so has the container."""
    assert any(name in word for word in WHERE)


@pytest.mark.parametrize("prefix", sorted(prefixes()))
def test_every_kind_of_blob_has_a_row(prefix: str) -> None:
    """By what its name begins with."""
    assert prefix in WHERE


@pytest.mark.parametrize("mark", sorted(marks()))
def test_every_kind_of_mark_has_a_row(mark: str) -> None:
    """Where the name goes on, an ellipsis stands for it."""
    assert (f"{mark}…" if mark.endswith("_") else mark) in WHERE


def written_by_constant() -> Iterator[tuple[Path, str]]:
    """Blobs that are written under a name of the module's own."""
    for path in (ROOT / "shared").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
                named = node.args[0] if node.args else None
                if isinstance(named, ast.Name) and named.id.isupper() and "blobs" in ast.unparse(node.func):
                    yield path, named.id


def test_a_blob_of_one_name_has_a_row() -> None:
    """There is one."""
    assert [(path.name, name) for path, name in written_by_constant()] == [("storage_probe.py", "BLOB")]
    assert BLOB in WHERE


@pytest.mark.parametrize("row", ROWS[2:], ids=lambda row: row[0])
def test_a_row_says_how_long_and_by_whom(row: list[str]) -> None:
    """What has no end says so in bold; the timers that it names are there."""
    what, where, life, who = row
    assert all((what, where, life, who))
    assert (who == "nobody") is ("**for ever**" in life)
    assert set(re.findall(r"`(\w+_stores|\w+_batches)`", who)) <= TIMERS


def test_the_table_names_nothing_that_is_gone() -> None:
    """Each table, prefix and mark of it is one of the code's."""
    known = {*NAMES.values(), *prefixes(), *(mark.removesuffix("_") for mark in marks()), BLOB}
    assert {word.removesuffix("_…") for word in WHERE} <= known
