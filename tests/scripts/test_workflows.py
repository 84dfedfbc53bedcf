"""GitHub's workflows: pinned actions, least rights, no secrets, and commands that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.product import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
# What a job may be given beyond reading the code, and what it is for.
GRANTED = {("checks.yml", "what-if"): {"id-token": "write"}}


def unpinned(text: str) -> list[str]:
    """The lines that use an action by anything but a commit with its release beside it."""
    uses = [line.strip().removeprefix("- ") for line in text.splitlines() if re.match(r"\s*(- )?uses:", line)]
    return [line for line in uses if not PINNED.fullmatch(line)]


def commands(workflow: dict[str, Any]) -> list[str]:
    return [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]


def missing_paths(text: str) -> list[str]:
    """Files and folders of the repository that a command names and that are not there."""
    named = re.findall(r"(?<![\w./-])((?:scripts|infra|\.ci)/[\w./*-]+|host\.[\w.]*json)", text)
    return [name for name in named if not list(ROOT.glob(name))]


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def workflow(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def test_there_is_a_workflow() -> None:
    """The checks run on GitHub."""
    assert "checks.yml" in {path.name for path in WORKFLOWS}


def test_actions_are_pinned(path: Path) -> None:
    """Every action is named by a full commit, with its release in a comment: a moved tag changes nothing here."""
    assert unpinned(path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "- uses: actions/checkout@v5",
        "uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8",
        "uses: actions/checkout@08c6903 # v5.0.0",
    ],
)
def test_an_unpinned_action_would_be_found(line: str) -> None:
    """A tag, a commit without its release, and a shortened commit are all found."""
    assert unpinned(f"    {line}\n") == [line.removeprefix("- ")]


def test_rights_are_declared(workflow: dict[str, Any], path: Path) -> None:
    """The token may read the code; a job that gets more is written down in this test."""
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        more = {what: right for what, right in job.get("permissions", {}).items() if what != "contents"}
        assert more == GRANTED.get((path.name, name), {})
        assert job.get("permissions", {}).get("contents", "read") == "read"


def test_the_code_is_fetched_without_leaving_a_token(workflow: dict[str, Any]) -> None:
    """No step after the checkout finds the repository's token in the folder."""
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]

    assert checkouts
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []


def test_a_job_with_a_cloud_token_runs_no_stranger_s_code(workflow: dict[str, Any]) -> None:
    """What may sign in to Azure runs on pushes only, never on a pull request, and only where it is set up."""
    for job in workflow["jobs"].values():
        if "id-token" in job.get("permissions", {}):
            assert "github.event_name == 'push'" in job["if"]
            assert "vars.AZURE_CLIENT_ID != ''" in job["if"]
    assert "pull_request_target" not in workflow[True]  # `on` is YAML for true


def test_no_secret_is_needed(path: Path) -> None:
    """Sign-in is by federated credentials: the workflows use no stored secret at all."""
    text = path.read_text()

    assert "secrets." not in text
    assert not re.search(r"(?i)(password|connection.?string|account.?key)", text)


def test_commands_name_what_exists(workflow: dict[str, Any]) -> None:
    """Every script and file that a step names is in the repository."""
    found = commands(workflow)

    assert any(".ci/run" in command for command in found)
    assert [name for command in found for name in missing_paths(command)] == []


def test_a_missing_script_would_be_found() -> None:
    """A name that is not in the repository is found."""
    assert missing_paths("scripts/none --file infra/main.bicep infra/*.none") == ["scripts/none", "infra/*.none"]


def test_what_callers_could_write_is_not_run(workflow: dict[str, Any]) -> None:
    """No expression is pasted into a command: titles and branch names of strangers would be run by the shell."""
    assert [command for command in commands(workflow) if "${{" in command] == []


def test_every_job_has_an_end(workflow: dict[str, Any]) -> None:
    """A job that hangs is stopped within the hour."""
    assert [name for name, job in workflow["jobs"].items() if not 0 < job.get("timeout-minutes", 0) <= 60] == []


@pytest.mark.parametrize("form", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.name)
def test_forms_of_issues_are_complete(form: Path) -> None:
    """GitHub shows a form that has a name, a description, and an id and a label for each field, and drops any other."""
    loaded = yaml.safe_load(form.read_text())
    fields = [field for field in loaded.get("body", []) if field["type"] != "markdown"]

    assert form.name == "config.yml" or (loaded["name"] and loaded["description"] and fields)
    assert all(field["id"] and field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)
