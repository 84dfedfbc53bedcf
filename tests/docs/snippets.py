"""The fenced blocks of a document, and what runs those that are programs.

A block in `python` or `sh` runs, in the order of the page, unless the line above it is `<!-- not run: why -->`. Blocks
of Python share their variables, as the cells of a notebook do.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
PROGRAMS = {"python", "sh", "bash"}
# Runs each block, from standard input, with a line for a traceback to lead to.
_DRIVER = """
import json, subprocess, sys
names = {"__name__": "__main__"}
for line, language, text in json.load(sys.stdin):
    if language == "python":
        exec(compile("\\n" * line + text, sys.argv[1], "exec"), names)
    else:
        subprocess.run(["bash", "-euo", "pipefail", "-c", text], check=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """`line` is where the block begins, 1-based; `reason` says why it is not run."""

    line: int
    language: str
    text: str
    reason: str | None


def snippets(text: str) -> Iterator[Snippet]:
    """Every block that is a program."""
    for found in _FENCE.finditer(text):
        if found["language"] in PROGRAMS:
            line = text[: found.start("text")].count("\n")
            yield Snippet(line=line, language=found["language"], text=found["text"], reason=found["reason"])


def run(page: Path, folder: Path, url: str, key: str) -> subprocess.CompletedProcess[str]:
    """Run the page's programs in `folder` against the service, which takes the place of the address on the page."""
    blocks = [
        (each.line, each.language, each.text.replace("http://127.0.0.1:7071", url).replace("db_...", key))
        for each in snippets(page.read_text())
        if each.reason is None
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BATCH_", "OPENAI_"))}
    path = os.pathsep.join([str(_programs(folder)), str(Path(sys.executable).parent), kept.get("PATH", "")])
    return subprocess.run(
        [sys.executable, "-c", _DRIVER, page.name],
        check=False,
        cwd=folder,
        env={**kept, "PATH": path, "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": key},
        input=json.dumps(blocks),
        capture_output=True,
        text=True,
        timeout=200,
    )


def _programs(folder: Path) -> Path:
    """Where `dbatch` is as a reader has it who installed it: this tree's."""
    program = folder / ".bin/dbatch"
    program.parent.mkdir(exist_ok=True)
    root = Path(__file__).parents[2]
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{root}" exec "{sys.executable}" -m dbatch "$@"\n')
    program.chmod(0o755)
    return program.parent
