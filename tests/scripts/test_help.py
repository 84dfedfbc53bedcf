"""`--help` of every script: it answers, shows every option, and does nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local_host.app import options
from tests.architecture.product import ROOT

SCRIPTS = sorted(path.name for path in (ROOT / "scripts").iterdir() if path.is_file())
# Those whose options are told before anything is installed.
AT_ONCE = ("bench", "check", "demo", "lock", "package", "serve", "test", "vendor", "workbook")


def run(root: Path, script: str, option: str = "--help") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [root / "scripts" / script, option], check=False, cwd=root, capture_output=True, text=True, timeout=100
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_answers(script: str) -> None:
    """By the name under which it was called."""
    said = run(ROOT, script)
    assert (said.returncode, said.stderr) == (0, "")
    assert f"scripts/{script}" in said.stdout


@pytest.mark.parametrize("script", AT_ONCE)
def test_help_needs_no_installation(tmp_path: Path, script: str) -> None:
    """Nothing is made for it, and `-h` is as good."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "app/__init__.py", "app/options.py"):
        (tmp_path / "local_host/app").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "local_host" / name, tmp_path / "local_host" / name)

    said = [run(tmp_path, script, option) for option in ("--help", "-h")]

    assert [(each.returncode, each.stderr) for each in said] == [(0, "")] * 2
    assert said[0].stdout == said[1].stdout != ""
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(("script", "program"), [("demo", "scripts/lib/demo.py"), ("bench", "bench/__main__.py")])
def test_help_that_is_a_comment_shows_every_option(script: str, program: str) -> None:
    """Those that the program behind the script takes."""
    parsed = re.findall(r"add_argument\(\"(--[a-z]+)\"", (ROOT / program).read_text())

    assert parsed
    assert [option for option in parsed if option not in run(ROOT, script).stdout] == []


def test_help_of_serve_shows_every_option() -> None:
    """Those of the local host, and those that the script itself takes."""
    parsed = re.findall(r"\"(--[a-z]+)\"", Path(options.__file__).read_text())
    taken = re.findall(r"\*\" (--[a-z]+) \"\*", (ROOT / "scripts/serve").read_text())

    said = run(ROOT, "serve").stdout

    assert len(parsed) >= 10
    assert {*taken} == {"--azurite", "--func"}
    assert [option for option in (*parsed, *taken) if option not in said] == []
