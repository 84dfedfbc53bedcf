"""Administration without the SDK's calls for it, and the operators' page, command by command."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bench.programs import KEY, ROOT, Mock, Service
from tests.e2e.clients.conftest import Run, program_of

OLDER = ["openai-1.30.0", "openai-1.109.1", "openai-2.30.0"]
PAGE = (ROOT / "docs/projects-and-keys.md").read_text()


def blocks(language: str) -> list[str]:
    """The page's pieces of code."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory, mock: Mock) -> Iterator[Service]:
    program = Service(tmp_path_factory.mktemp("alone"), mock.url, BATCH_DRAIN_SECONDS="1")
    program.start()
    yield program
    program.stop()


@pytest.mark.parametrize("release", OLDER)
def test_older_releases_call_the_paths(run_script: Run, release: str) -> None:
    """They have no `client.admin`, and need none: the key that administers goes with every call."""
    seen = run_script(release, "administration_by_hand.py")

    assert (seen["listed"], seen["mine"], seen["others"]) == (True, True, False)
    assert (seen["archived"], seen["then"]) == ("archived", "invalid_api_key")


def test_the_pages_python_runs(alone: Service) -> None:
    """From top to bottom, with the two variables that the page names and nothing else."""
    environment = {"OPENAI_BASE_URL": f"{alone.url}/v1", "OPENAI_ADMIN_KEY": KEY, "PATH": os.environ["PATH"]}
    command = [*program_of("openai-newest"), "-c", "\n".join(blocks("python"))]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)

    assert done.returncode == 0, done.stderr
    shown = done.stdout.splitlines()
    assert shown[0].startswith("dbk_")
    assert any(line.startswith("dashboard dbk_...") for line in shown)
    assert any("api_key.deleted" in line for line in shown)


def test_the_pages_commands_run(alone: Service) -> None:
    """Every curl answers what it is there for."""
    with httpx.Client(
        base_url=f"{alone.url}/v1/organization", headers={"authorization": f"Bearer {KEY}"}, timeout=60
    ) as client:
        project = client.post("/projects", json={"name": "a"}).json()["id"]
        account = client.post(f"/projects/{project}/service_accounts", json={"name": "a"}).json()
    environment = {
        "OPENAI_BASE_URL": f"{alone.url}/v1",
        "OPENAI_ADMIN_KEY": KEY,
        "PROJECT": project,
        "KEY": account["api_key"]["id"],
    }
    answers = [answer_of(line, environment) for block in blocks("sh") for line in block.splitlines()]

    assert [answer["object"] for answer in answers] == [
        "organization.project",
        "organization.project.service_account",
        "organization.project.api_key.deleted",
        "organization.project",
    ]
    assert answers[-1]["status"] == "archived"


def answer_of(command: str, environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        ["sh", "-c", command],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
        env=os.environ | environment,
    )
    return json.loads(done.stdout)
