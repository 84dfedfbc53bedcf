"""A service of their own for the real clients: what they list is theirs alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench.programs import KEY, ROOT, Mock, Service

HERE = Path(__file__).parent
Run = Callable[..., Any]


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, mock: Mock) -> Iterator[Service]:
    program = Service(
        tmp_path_factory.mktemp("clients"),
        mock.url,
        BATCH_MAX_ATTEMPTS="2",
        BATCH_RETRY_FIRST_SECONDS="0.05",
        BATCH_HEARTBEAT_SECONDS="0.2",
        BATCH_DRAIN_SECONDS="1",
    )
    program.start()
    yield program
    program.stop()


@pytest.fixture(scope="session")
def run_script(live: Service) -> Run:
    """`run(release, script, *arguments)`: what the script prints that the release runs; each runs once."""

    @cache
    def run(release: str, script: str, *arguments: str) -> Any:
        command = [*program_of(release), HERE / script, live.url, KEY, *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def program_of(release: str) -> list[str | Path]:
    """What runs the release's scripts. Without it: a skip, but in CI a failure."""
    node = shutil.which("node")
    if release == "npm":
        found = node is not None and (ROOT / "node_modules/openai").exists()
        command: list[str | Path] = [node or ""]
    else:
        command = [ROOT / ".clients" / release / "bin/python", "-W", "error"]
        found = Path(command[0]).exists()
    if not found:
        reason = f"the client {release} is not installed: run scripts/test"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return command
