"""Which files of the repository a module of it needs: all that it imports, at once or late."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def imported_files(root: Path, start: str) -> set[str]:
    """`start` and, from import to import, every file under `root` that it may load, with its packages' `__init__`."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imports(root, name)
    return found


def _imports(root: Path, name: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((root / name).read_text())):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str() as module, names=names, level=0):
                modules = [module, *(f"{module}.{alias.name}" for alias in names)]
            case ast.ImportFrom():
                raise ValueError(f"{name} has a relative import; the repository's imports are absolute.")
            case _:
                continue
        for module in modules:
            yield from _files(root, module)


def _files(root: Path, module: str) -> Iterator[str]:
    """A module's own file and the `__init__` of each package around it, where they are files of the repository."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        path = "/".join(parts[:length])
        for file in (f"{path}/__init__.py", f"{path}.py"):
            if (root / file).is_file():
                yield file
