"""The package as Azure runs it: unpacked, with what requirements.txt installs and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scripts.lib.package import build, packaged_files, read_host, untracked_files
from tests.architecture.product import ROOT

ENVIRONMENT = ROOT / ".clients/function-app"
# Run in the unpacked app: what was indexed, and which loaded modules came from neither the app nor the environment.
INDEX = """
import json, sys, sysconfig
sys.path.insert(0, sys.argv[1])
import function_app
functions = {
    function.get_function_name(): sorted(binding.type for binding in function.get_bindings())
    for function in function_app.app.get_functions()
}
homes = tuple({sys.argv[1], sys.prefix, *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))})
files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
strangers = {name: file for name, file in files.items() if file and not file.startswith(homes)}
own = sum(1 for file in files.values() if file and file.startswith(sys.argv[1]))
print(json.dumps({"functions": functions, "strangers": strangers, "own": own}))
"""


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment that holds requirements.txt alone. In CI it must be there."""
    installed = ENVIRONMENT / "installed.txt"
    if not installed.exists() or installed.read_bytes() != (ROOT / "requirements.txt").read_bytes():
        reason = f"{ENVIRONMENT.relative_to(ROOT)} is missing or old: run scripts/test once, which makes it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return ENVIRONMENT / "bin/python"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    folder = tmp_path_factory.mktemp("package")
    names = sorted([*packaged_files(ROOT), *untracked_files(ROOT)])  # On a developer's machine: what `git add` is due.
    build(ROOT, names, read_host(ROOT / "host.json"), folder / "app.zip")
    with zipfile.ZipFile(folder / "app.zip") as package:
        package.extractall(folder / "app")
    return (folder / "app").resolve()


def _index(python: Path, app: Path) -> dict[str, Any]:
    run = subprocess.run(
        [python, "-I", "-B", "-W", "error::SyntaxWarning", "-c", INDEX, app],
        check=False,
        cwd=app,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.fixture(scope="module")
def indexed(python: Path, unpacked: Path) -> dict[str, Any]:
    return _index(python, unpacked)


def test_every_function_is_indexed(indexed: dict[str, Any]) -> None:
    """The unpacked app has the functions of the repository's app, with the same triggers and bindings."""
    here = _index(Path(sys.executable), ROOT)

    assert indexed["functions"] == here["functions"]
    assert len(indexed["functions"]) > 100


def test_the_app_needs_nothing_else(indexed: dict[str, Any]) -> None:
    """Whatever was loaded is the app's own, the standard library's or from requirements.txt."""
    assert indexed["strangers"] == {}
    assert indexed["own"] > 100


def test_a_missing_file_would_be_found(python: Path, unpacked: Path, tmp_path: Path) -> None:
    """Without one of its files the app does not load: the test above can fail."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_bytes((unpacked / "function_app.py").read_bytes())

    with pytest.raises(AssertionError, match="No module named 'shared'"):
        _index(python, app)


def test_every_module_loads(python: Path, unpacked: Path) -> None:
    """Each packaged file can be imported there, those that are loaded late included."""
    names = [path.relative_to(unpacked).with_suffix("").as_posix() for path in sorted(unpacked.rglob("*.py"))]
    modules = [name.removesuffix("/__init__").replace("/", ".") for name in names]
    code = "import importlib, sys\nsys.path.insert(0, sys.argv[1])\nfor name in sys.argv[2:]: importlib.import_module(name)"

    run = subprocess.run(
        [python, "-I", "-B", "-c", code, unpacked, *modules], check=False, capture_output=True, text=True, timeout=100
    )

    assert run.returncode == 0, run.stderr
