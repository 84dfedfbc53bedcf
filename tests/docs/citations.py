"""Citations of docs/contract.md and docs/platform.md, and the headings they lead to.

`contract 1.5.5`, `contract 3.3, 3.4`, `contract 2.1 and 2.2`, `contract 1.5.5 to 1.5.7`, `contract 9.1 no. 14`; a capital at
the beginning of a sentence. The last names an entry of the section's numbered list.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.product import ROOT

PAGES = {
    "contract": [ROOT / "docs/contract.md", *sorted((ROOT / "docs/contract").glob("*.md"))],
    "platform": [ROOT / "docs/platform.md"],
}
CITING = {".bicep", ".bicepparam", ".json", ".kql", ".md", ".py", ".sh", ".toml", ".yaml", ".yml", ""}
_ONE = r"\d+(?:\.\d+)*(?: no\. \d+)?"
_CITATION = re.compile(rf"\b([Cc]ontract|[Pp]latform) ({_ONE}(?:(?:, | and | to ){_ONE})*)")
_HEADING = re.compile(r"^#+ (\d+(?:\.\d+)*) ", re.MULTILINE)
_BREAK = re.compile(r"\s*\n\s*(?:#|//)?\s*")
# Digits that look like a section: at the start of a docstring, in brackets, after a word that announces one.
_SECTION = r"[1-9]\.\d+(?:\.\d+)?"
_BARE = re.compile(rf"(?:^|\(|[Tt]rap |[Ss]ection |of )({_SECTION})(?=[,:;)]|\.?$)")
_PERHAPS = re.compile(rf"(?:\"\"\"|# ?|\(|rap |ection |of ){_SECTION}")  # Reading tokens takes long.
# Other spellings: a word and no citation, and what follows a citation (@) as if it belonged to it.
_OTHERWISE = re.compile(r"\b(?:[Cc]ontract|[Pp]latform)[,:]? ?(?:[Ss]ection |§ ?)?\d[\d.]*")
_FOLLOWED = re.compile(r"[\w .]{1,20}@(?:-|; ?|/ ?|, no\. )\d[\d.]*")


def tracked() -> list[Path]:
    """Every file of the repository that may cite; none where this is no git checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    files = [ROOT / name for name in listed if name]
    return [path for path in files if path.suffix in CITING and path.is_file() and "histories" not in path.parts]


def cited(text: str) -> Iterator[str]:
    """Each thing cited in `text`, as `contract 1.5.5` or `contract 9.1 no. 14`, also where a line breaks in between."""
    for page, sections in _CITATION.findall(_BREAK.sub(" ", text)):
        for section in re.findall(_ONE, sections):
            yield f"{page.lower()} {section}"


def misspelt(text: str) -> list[str]:
    """Citations that are written in another way, so that nobody would find them."""
    text = _BREAK.sub(" ", text)
    return _OTHERWISE.findall(_CITATION.sub("", text)) + _FOLLOWED.findall(_CITATION.sub(r"\g<0>@", text))


def told(page: str) -> set[str]:
    """All that can be cited of a page."""
    return {f"{page} {name}" for path in PAGES[page] for name in names_in(path.read_text())}


def names_in(text: str) -> Iterator[str]:
    """The numbers of the headings, and of the entries of the numbered lists under them."""
    found = list(_HEADING.finditer(text))
    for heading, following in zip(found, [*found[1:], None], strict=True):
        yield heading[1]
        section = text[heading.end() : following.start() if following else None]
        yield from (f"{heading[1]} no. {entry}" for entry in re.findall(r"^(\d+)\. ", section, flags=re.MULTILINE))


def bare(source: str) -> Iterator[str]:
    """Numbers in comments and docstrings that look like sections and do not say of which page."""
    for text in _prose(source) if _PERHAPS.search(source) else ():
        yield from _BARE.findall(_CITATION.sub("", text))


def _prose(source: str) -> Iterator[str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    yield from (token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
