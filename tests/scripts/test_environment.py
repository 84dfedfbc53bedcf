"""`scripts/lib/environment.sh`: what it finds, what it installs, and what it says when it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.product import ROOT

ENVIRONMENT = ROOT / "scripts/lib/environment.sh"
NAMES = ("check", "demo", "lock", "package", "serve", "smoke", "test", "vendor")
SCRIPTS = [*(f"scripts/{name}" for name in NAMES), ".ci/run"]


def _program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def _sourced(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f'set -euo pipefail; . "{ENVIRONMENT}"; {command}'],
        check=False,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=30,
    )


def _fake_venv(folder: Path, install_exit: int = 0) -> Path:
    """A `.venv` whose Python fits and whose pip only writes down what it was asked."""
    asked = folder / "asked"
    text = f'case "$*" in *pip*) echo "$*" >> "{asked}"; exit {install_exit} ;; esac'
    _program(folder / ".venv/bin", "python", text)
    return asked


@pytest.mark.parametrize("script", [*SCRIPTS, "scripts/lib/environment.sh"])
def test_script_parses(script: str) -> None:
    """Bash accepts the script's syntax."""
    assert subprocess.run(["bash", "-n", ROOT / script], check=False).returncode == 0


def test_python_too_old_is_refused_with_what_to_install(tmp_path: Path) -> None:
    """Without a fitting Python the message names the versions and the commands that install one."""
    old = _program(tmp_path, "python-old", "exit 1")

    run = _sourced("prepare_python", tmp_path, PYTHON=str(old))

    assert run.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed" in run.stderr
    assert "apt-get install python3 python3-venv" in run.stderr
    assert "brew install" in run.stderr


def test_python_without_venv_is_refused_with_the_apt_command(tmp_path: Path) -> None:
    """Debian's Python without python3-venv gets the apt command for its own version, and nothing is made."""
    bare = _program(tmp_path, "python-bare", 'case "$2" in *ensurepip*) exit 1 ;; *print*) echo 3.12 ;; esac')

    run = _sourced("prepare_python", tmp_path, PYTHON=str(bare))

    assert run.returncode == 1
    assert "apt-get install python3.12-venv" in run.stderr
    assert not (tmp_path / ".venv").exists()


def test_lock_is_installed_once(tmp_path: Path) -> None:
    """A lock that is installed and has not changed is not installed again."""
    asked = _fake_venv(tmp_path)
    (tmp_path / "requirements-dev.txt").write_text("one==1\n")

    for _ in range(2):
        assert _sourced("prepare_python requirements-dev.txt", tmp_path).returncode == 0

    assert asked.read_text().count("requirements-dev.txt") == 1


def test_changed_lock_is_installed_again(tmp_path: Path) -> None:
    """A lock that differs from what was installed is installed."""
    asked = _fake_venv(tmp_path)
    for text in ("one==1\n", "one==2\n"):
        (tmp_path / "requirements-dev.txt").write_text(text)
        _sourced("prepare_python requirements-dev.txt", tmp_path)

    assert asked.read_text().count("requirements-dev.txt") == 2


def test_failed_installation_is_tried_again(tmp_path: Path) -> None:
    """An installation that failed fails the script and leaves no stamp behind."""
    _fake_venv(tmp_path, install_exit=1)
    (tmp_path / "requirements-dev.txt").write_text("one==1\n")

    run = _sourced("prepare_python requirements-dev.txt", tmp_path)

    assert run.returncode == 1
    assert "Could not install requirements-dev.txt" in run.stderr
    assert not list((tmp_path / ".venv").glob("installed-*"))


def test_what_developers_have_serves_as_well(tmp_path: Path) -> None:
    """Their lock has every package of the service's, in the same version, so nothing is installed twice."""
    asked = _fake_venv(tmp_path)
    for lock in ("requirements-dev.txt", "requirements-serve.txt"):
        (tmp_path / lock).write_text(f"{lock}==1\n")
        assert _sourced(f"prepare_python {lock}", tmp_path).returncode == 0
    serve, dev = (
        {line.partition(" ")[0] for line in (ROOT / lock).read_text().splitlines() if "==" in line}
        for lock in ("requirements-serve.txt", "requirements-dev.txt")
    )

    assert "requirements-serve.txt" not in asked.read_text()
    assert serve - dev == set()


def test_demo_is_installed_without_dependencies(tmp_path: Path) -> None:
    """Only the demo's packages are installed with --no-deps."""
    asked = _fake_venv(tmp_path)
    for lock in ("requirements-dev.txt", "requirements-demo.txt"):
        (tmp_path / lock).write_text("one==1\n")

    _sourced("prepare_python requirements-dev.txt requirements-demo.txt", tmp_path)

    assert ["--no-deps" in line for line in asked.read_text().splitlines()] == [False, True]


def test_each_client_is_installed_once_by_itself(tmp_path: Path) -> None:
    """Every lock of requirements-clients has its own environment; none is made again while its lock stays."""
    asked = _fake_venv(tmp_path)
    _clients(tmp_path, "old", "new")

    for _ in range(2):
        assert _sourced("prepare_clients", tmp_path).returncode == 0

    installed = [line.split()[3] for line in asked.read_text().splitlines() if " install " in line]
    assert installed == [".clients/new/bin/python", ".clients/old/bin/python"]


def test_the_app_has_an_environment_with_its_own_lock(tmp_path: Path) -> None:
    """What Azure installs is installed by itself, for the tests of the package, and once."""
    asked = _fake_venv(tmp_path)
    (tmp_path / ".clients/function-app").mkdir(parents=True)
    (tmp_path / "requirements.txt").write_text("one==1\n")

    for _ in range(2):
        assert _sourced("prepare_app", tmp_path).returncode == 0

    installed = [line.split() for line in asked.read_text().splitlines() if " install " in line]
    assert [(line[3], line[-1]) for line in installed] == [(".clients/function-app/bin/python", "requirements.txt")]


def test_a_failed_client_is_tried_again(tmp_path: Path) -> None:
    """An SDK that could not be installed fails the script and leaves no stamp behind."""
    _fake_venv(tmp_path, install_exit=1)
    _clients(tmp_path, "new")

    run = _sourced("prepare_clients", tmp_path)

    assert run.returncode == 1
    assert "Could not make .clients/new" in run.stderr
    assert not (tmp_path / ".clients/new/installed.txt").exists()


def _clients(folder: Path, *names: str) -> None:
    for name in names:
        (folder / f".clients/{name}").mkdir(parents=True)
        (folder / "requirements-clients").mkdir(exist_ok=True)
        (folder / f"requirements-clients/{name}.txt").write_text("one==1\n")


def test_old_node_is_refused(tmp_path: Path) -> None:
    """Without Node 20 the message says what is needed and what for."""
    _program(tmp_path / "bin", "node", "exit 1")

    run = _sourced("prepare_node", tmp_path, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")

    assert run.returncode == 1
    assert "Node 20 or newer" in run.stderr


def test_library_uses_no_bash_4_features() -> None:
    """macOS has bash 3.2: no associative arrays, no case conversion, no mapfile in any script."""
    for script in [*SCRIPTS, "scripts/lib/environment.sh"]:
        text = (ROOT / script).read_text()

        assert not any(word in text for word in ("declare -A", "mapfile", "readarray", "^^}", ",,}", "&>>", "|&"))


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_installed_node_packages_are_left_alone(tmp_path: Path) -> None:
    """With a fitting Node and an unchanged lock nothing is installed and nothing is said."""
    (tmp_path / "node_modules").mkdir()
    for name in ("package-lock.json", "node_modules/installed-package-lock.json"):
        (tmp_path / name).write_text("{}")

    run = _sourced("prepare_node", tmp_path)

    assert run.returncode == 0
    assert run.stderr == ""
