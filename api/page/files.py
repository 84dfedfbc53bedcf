"""The page's files as a table, read when the app is imported: nothing that a caller sends becomes a path of the disk.

Rule of this file: a file's address has the digest of all of them in it. So modules may import each other by relative
names, and what is under such an address never changes (ADR 0016).
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Final

FOLDER: Final = Path(__file__).parents[2] / "page"
ROOT: Final = "/ui"
_INDEX: Final = "index.html"
_FIRST: Final = "main.js"
_IMPORTS: Final = re.compile(r'\bfrom\s*"(\.[^"]+)"')
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """`content_type` is what is told of it; `packed` the same bytes by gzip."""

    content: bytes
    packed: bytes
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`files` by address; `index` stands at addresses of its own, and names those of the others. `version` is all's."""

    version: str
    index: PageFile
    files: Mapping[str, PageFile]


@cache
def page() -> Page:
    """Made when first asked for."""
    return build_page({path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in _served(FOLDER)})


def build_page(contents: Mapping[str, bytes]) -> Page:
    """`contents` by name. In `index.html` the words `VERSION` and `MODULES` become the digest, and the first view's."""
    version = _digest(contents)
    modules = "\n".join(
        f'    <link rel="modulepreload" href="{ROOT}/{version}/{name}" />' for name in sorted(first_modules(contents))
    )
    index = contents[_INDEX].decode().replace("VERSION", version).replace("    MODULES", modules)
    others = {f"{ROOT}/{version}/{name}": _file(name, content) for name, content in contents.items() if name != _INDEX}
    return Page(version=version, index=_file(_INDEX, index.encode()), files=others)


def first_modules(contents: Mapping[str, bytes]) -> set[str]:
    """The modules that the first one imports, and those that they do; what is imported later is not among them."""
    found: set[str] = set()
    waiting = [_FIRST] if _FIRST in contents else []
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [normpath(join(dirname(name), other)) for other in _IMPORTS.findall(contents[name].decode())]
    return found


def _served(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in _TYPES)


def _digest(contents: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _file(name: str, content: bytes) -> PageFile:
    return PageFile(
        content=content, packed=gzip.compress(content, mtime=0), content_type=_TYPES[Path(name).suffix.lower()]
    )
