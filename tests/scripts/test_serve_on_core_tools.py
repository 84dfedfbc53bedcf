"""`scripts/serve --func` with a stand-in for Core Tools: what it starts, with which settings, and that all of it ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from bench.programs import ROOT, Program
from shared.environment import parse_settings
from tests import core_tools
from tests.local_host.test_main import is_alive
from tests.starved import stretched

DEPLOYMENTS = '[m]\nbase_url = "http://127.0.0.1:9/v1"\n'


def path_with(folder: Path) -> str:
    """`func` is the stand-in, and node is found; whatever else is installed is out of sight."""
    node = Path(shutil.which("node") or "node").parent
    return os.pathsep.join([str(folder), str(node), "/usr/bin", "/bin"])


@contextmanager
def launched(folder: Path) -> Iterator[Program]:
    core_tools.put_stub(folder / "bin")
    (folder / "m.toml").write_text(DEPLOYMENTS)
    environment = {"PATH": path_with(folder / "bin"), **core_tools.LAUNCHER_PATH}
    options = ["--deployments", str(folder / "m.toml")]
    program = Program([*core_tools.launcher(folder / "data"), *options], folder / "log", environment)
    program.start()
    yield program
    program.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("core_tools")


@pytest.fixture(scope="module")
def program(folder: Path, azurite: str) -> Iterator[Program]:  # skips where Azurite is missing
    with launched(folder) as running:
        yield running


@pytest.fixture(scope="module")
def given(folder: Path, program: Program) -> dict[str, Any]:
    """What the host was given: its arguments and its environment."""
    found: dict[str, Any] = json.loads((folder / "bin/record.json").read_text())
    return found


def test_the_app_is_up_when_it_says_so(program):
    """The address it prints answers."""
    assert httpx.get(f"{program.url}/healthz", timeout=60).status_code == 200


def test_the_host_is_started_for_python_on_the_port(program, given):
    """Nothing has to be asked, so no local.settings.json is needed."""
    port = program.url.rpartition(":")[2]

    assert given["arguments"] == ["start", "--python", "--port", port]
    assert given["environment"]["FUNCTIONS_WORKER_RUNTIME"] == "python"


def test_the_host_gets_storage_with_queues_and_a_task_hub(given):
    """Durable Functions keep their work in queues; host.json takes the hub's name from a setting."""
    environment = given["environment"]

    assert "QueueEndpoint=http://127.0.0.1:" in environment["AzureWebJobsStorage"]
    assert environment["TASKHUB_NAME"].isalnum()


def test_the_app_gets_its_settings(folder, given):
    """The caller's own, and a key and a pepper that are kept in the data folder and not readable for others."""
    key, pepper = folder / "data/bootstrap-key", folder / "data/key-pepper"
    found = parse_settings(given["environment"])

    assert list(found.deployments) == ["m"]
    assert found.bootstrap_key == key.read_text().strip()
    assert found.key_peppers == pepper.read_text().strip()
    assert list(found.peppers) == ["1"]
    assert {file.stat().st_mode & 0o077 for file in (key, pepper)} == {0}


def test_the_worker_is_this_python(given):
    """With the packages of .venv, and without the path of the launcher's own modules."""
    environment = given["environment"]

    assert environment["languageWorkers__python__defaultExecutablePath"] == sys.executable
    assert environment["PATH"].startswith(str(Path(sys.executable).parent))
    assert "PYTHONPATH" not in environment


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_everything_ends_with_it(tmp_path, azurite, how):
    """The host and Azurite, when it is stopped and when it is killed."""
    with launched(tmp_path) as program:
        assert program.process is not None
        children = psutil.Process(program.process.pid).children(recursive=True)
        getattr(program, how)()
        deadline = time.monotonic() + 60
        while any(is_alive(child) for child in children):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    assert len(children) >= 4


def test_a_host_that_fails_is_told_with_its_own_words(tmp_path, azurite):
    """Not after minutes, and with the place of the whole log."""
    core_tools.put_stub(tmp_path / "bin", fails=True)
    begun = time.monotonic()
    run = launch(tmp_path)

    assert run.returncode == 1
    assert "No job functions found." in run.stderr
    assert "func.log" in run.stderr
    assert time.monotonic() - begun < stretched(60)


def test_without_core_tools_it_says_how_to_get_them(tmp_path):
    """And what works without."""
    run = launch(tmp_path)

    assert run.returncode == 1
    assert "npm install -g azure-functions-core-tools@4" in run.stderr
    assert "scripts/serve runs the same app" in run.stderr


def test_a_wrong_setting_is_told_before_anything_starts(tmp_path):
    """Not by an app that answers 503 minutes later."""
    core_tools.put_stub(tmp_path / "bin")
    run = launch(tmp_path, BATCH_LANES="many")

    assert (run.returncode, run.stderr) == (2, "BATCH_LANES: expected a whole number, got 'many'\n")
    assert not (tmp_path / "data/azurite").exists()


def launch(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *core_tools.launcher(tmp_path / "data")]
    environment = {"PATH": path_with(tmp_path / "bin"), "HOME": str(tmp_path), **core_tools.LAUNCHER_PATH, **settings}
    return subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100)
