"""The page's libraries, from `node_modules` to `page/vendor`: modules that a browser loads as they are.

Rule of this file: what is served is what was released, but for the names by which modules import each other, which
browsers do not know, and the mark of a source map, which is not served. No bundler, no minifier.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "page" / "vendor"
# What editors and the type checker know of a module: the package's own words. What begins empty may become anything.
_HOOKS: Final = """\
import type { Dispatch, StateUpdater } from "preact/hooks";
export * from "preact/hooks";
export function useState(initial: null): [any, (next: any) => void];
export function useState(initial: never[]): [any[], (next: any[]) => void];
export function useState<S>(initial: S | (() => S)): [S, Dispatch<StateUpdater<S>>];
export function useRef(initial: null): { current: any };
export function useRef<T>(initial: T): { current: T };
"""
TYPES: Final = {
    "preact.d.ts": 'export * from "preact";\n',
    "hooks.d.ts": _HOOKS,
    "htm.d.ts": 'import htm from "htm";\nexport default htm;\n',
}
MANIFEST: Final = "manifest.json"
LICENCES: Final = "LICENCES.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A file of a package, and what it is called here."""

    package: str
    source: str
    name: str


LIBRARIES: Final = (
    Library(package="preact", source="dist/preact.mjs", name="preact.js"),
    Library(package="preact", source="hooks/dist/hooks.mjs", name="hooks.js"),
    Library(package="htm", source="dist/htm.mjs", name="htm.js"),
)
# What a module of them imports -> where that is here.
_NAMES: Final = {"preact": "./preact.js"}


def build(root: Path) -> dict[str, bytes]:
    """Every file of `page/vendor` by name. Raises OSError and KeyError where the packages are not installed."""
    modules = {library.name: _module(root, library) for library in LIBRARIES}
    lock = json.loads((root / "package-lock.json").read_text())["packages"]
    entries = [_entry(library, lock, modules[library.name]) for library in LIBRARIES]
    manifest = json.dumps(entries, indent=2) + "\n"
    types = {name: text.encode() for name, text in TYPES.items()}
    return {**modules, **types, MANIFEST: manifest.encode(), LICENCES: _licences(root).encode()}


def _module(root: Path, library: Library) -> bytes:
    text = (root / "node_modules" / library.package / library.source).read_text()
    text = re.sub(r"\n?//# sourceMappingURL=\S*\s*\Z", "\n", text)
    return re.sub(r'(\bfrom|\bimport)"([^"./][^"]*)"', lambda found: f'{found[1]}"{_NAMES[found[2]]}"', text).encode()


def _entry(library: Library, lock: Mapping[str, Any], content: bytes) -> dict[str, Any]:
    """`integrity` is the released package's, `sha256` that of the file here."""
    locked = lock[f"node_modules/{library.package}"]
    return {
        "file": library.name,
        "package": library.package,
        "version": locked["version"],
        "licence": locked["license"],
        "source": library.source,
        "integrity": locked["integrity"],
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }


def _licences(root: Path) -> str:
    packages = dict.fromkeys(library.package for library in LIBRARIES)
    texts = ((name, (root / "node_modules" / name / "LICENSE").read_text()) for name in packages)
    return "\n\n".join(f"{name}\n{'=' * len(name)}\n\n{text.strip()}" for name, text in texts) + "\n"


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in build(ROOT).items():
        (FOLDER / name).write_bytes(content)
        print(f"page/vendor/{name}: {len(content):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
