"""What `pipx install .` makes: a package that has the program and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from shared.version import VERSION
from tests.architecture.product import ROOT
from tests.dbatch.running import environment


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what a clone has, so that nothing is left in this one; without a network."""
    clone = tmp_path_factory.mktemp("clone")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone / name)
    for name in ("dbatch", "shared", "api"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps"]
    target = clone / "dist"
    options = ["--no-build-isolation", "--no-index", "--wheel-dir", str(target), str(clone)]
    done = subprocess.run([*command, *options], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return next(target.glob("*.whl"))


def test_the_wheel_has_only_the_program(wheel: Path) -> None:
    """No file of the service; what it needs is three libraries."""
    with zipfile.ZipFile(wheel) as package:
        names = package.namelist()
        about = package.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert {name.split("/")[0] for name in names} == {"dbatch", f"durable_batch-{VERSION}.dist-info"}
    needs = [line for line in about.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert sorted(re.split(r"[<>]", need.split()[1])[0] for need in needs) == [
        "click",
        "openai",
        "rich",
    ]


def test_the_installed_program_runs(wheel: Path, tmp_path: Path) -> None:
    """By its entry point, away from the clone."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(tmp_path), str(wheel)], check=True, timeout=120, capture_output=True)
    program = [str(tmp_path / "bin/dbatch"), "--version"]
    away = {**environment("http://127.0.0.1:1"), "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(program, check=True, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=away)

    assert done.stdout == f"dbatch {VERSION}\n"
