"""The page's types: what its JSDoc says and what follows from its code, read by TypeScript, which compiles nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from bench.programs import ROOT

CONFIGURATION = ROOT / "tests/page/tsconfig.json"


def complaints(configuration: Path) -> list[str]:
    compiler = ROOT / "node_modules/.bin/tsc"
    if not compiler.is_file():
        reason = "TypeScript is not installed: run scripts/test once, or npm ci"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run(
        [compiler, "--project", configuration, "--pretty", "false"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return [line for line in done.stdout.splitlines() if not line.startswith(" ")]


def test_the_page_is_of_one_type_with_itself() -> None:
    """Nothing is called with what it does not take, read where it may be missing, or left over."""
    assert complaints(CONFIGURATION) == []


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ('callApi("/batches", { methd: "POST" });', "'methd' does not exist in type 'Call'"),
        ("useRef(0).current.focus();", "Property 'focus' does not exist on type 'number'"),
        ('document.querySelector("h1").focus();', "Object is possibly 'null'"),
    ],
)
def test_a_mistake_is_found(tmp_path: Path, statement: str, complaint: str) -> None:
    """In a file beside the page's own."""
    imports = f'import {{ callApi }} from "{ROOT}/page/api.js";\nimport {{ useRef }} from "{ROOT}/page/html.js";\n'
    (tmp_path / "mistaken.js").write_text(f"{imports}callApi(String(useRef(1)));\n{statement}\n")
    given = {"extends": str(CONFIGURATION), "include": [str(tmp_path / "mistaken.js")]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(given))

    assert [line for line in complaints(tmp_path / "tsconfig.json") if complaint in line]
