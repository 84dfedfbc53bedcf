"""What the image holds and how it begins, read from Dockerfile and .dockerignore: no engine is at hand where tests run."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tests.architecture.product import ROOT

DOCKERFILE = ROOT / "Dockerfile"


def instructions(word: str) -> list[str]:
    """The arguments of every such instruction, its continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    return re.findall(rf"^\s*{word} +(.+)$", text, re.MULTILINE)


def entry_point() -> list[str]:
    (found,) = instructions("ENTRYPOINT")
    words: list[str] = json.loads(found)
    return words


def copied() -> list[str]:
    """Names at the root that .dockerignore leaves in."""
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    return [rule.removeprefix("!") for rule in rules if rule.startswith("!")]


def copy_tree(folder: Path) -> None:
    """What `COPY . .` brings, readable for every user and writable for none."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in copied():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.md"))
        else:
            shutil.copy(ROOT / name, folder / name)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
