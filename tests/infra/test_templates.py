"""Every template and snapshot of `infra/`, by the checks that the compiler does not have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.bicep_tree import INFRA, ROOT, BicepFile, parameter_files, read, syntax_errors, templates
from tests.infra.compiler import resources, snapshot_of
from tests.infra.flex import foreign_metrics, not_on_flex
from tests.infra.hardening import MUST, PRIVATE, Resource, open_to_the_public, passwords_left, soft_spots
from tests.infra.secrets import bare_secrets, leaked_secrets, secret_outputs
from tests.infra.style import style_problems

OF_TEMPLATES = (syntax_errors, style_problems, secret_outputs, bare_secrets, leaked_secrets)
OF_SNAPSHOTS = (soft_spots, passwords_left, not_on_flex, foreign_metrics)
each_snapshot = pytest.mark.parametrize("path", parameter_files(), ids=lambda path: path.stem)


@pytest.mark.parametrize("check", OF_TEMPLATES, ids=lambda check: check.__name__)
@pytest.mark.parametrize("path", templates(), ids=lambda path: path.stem)
def test_template_is_sound(path: Path, check: Callable[[BicepFile], list[str]]) -> None:
    """The check finds nothing in the template."""
    assert check(read(path)) == []


@pytest.mark.parametrize("check", OF_SNAPSHOTS, ids=lambda check: check.__name__)
@each_snapshot
def test_what_is_deployed_is_sound(path: Path, check: Callable[[list[Resource]], list[str]]) -> None:
    """The check finds nothing in what the parameter file deploys."""
    assert check(resources(path)) == []


@each_snapshot
def test_snapshot_has_all_settings(path: Path) -> None:
    """Each parameter file has its snapshot, and the app's settings can be read in it one by one."""
    settings = next(each["properties"] for each in resources(path) if each["name"].endswith("/appsettings"))

    assert snapshot_of(path).is_file()
    assert isinstance(settings, dict), "a condition on what only a deployment knows hides them: use a parameter"


def test_private_network_is_private() -> None:
    """With privateNetwork and without publicApi, nothing that holds data answers from outside."""
    made = resources(INFRA / "examples/private-network.bicepparam")

    assert open_to_the_public(made) == []


def operator_of(example: str) -> list[tuple[str, str | None]]:
    """Principal and its type of each role that is not the service's own."""
    roles = [each["properties"] for each in resources(INFRA / example) if each["type"].endswith("/roleAssignments")]
    own = [each for each in roles if "reference(" not in each["principalId"]]
    return [(each["principalId"], each["principalType"]) for each in own]


@pytest.mark.parametrize("example", ["main", "examples/small", "examples/private-network"])
def test_who_deploys_reads_the_first_key(example: str) -> None:
    """Without a name the operator is the deployer, be it a person or a pipeline: the type is not guessed."""
    assert operator_of(f"{example}.bicepparam") == [("[deployer().objectId]", None)]


def test_named_operator_has_the_type_that_is_given() -> None:
    """Production's operator is a group, on the vault and on the scheduler."""
    assert {kind for _, kind in operator_of("examples/production.bicepparam")} == {"Group"}
    assert not any("deployer" in principal for principal, _ in operator_of("examples/production.bicepparam"))


def test_every_module_is_used() -> None:
    """main.bicep calls every module there is, or imports from it."""
    main = read(INFRA / "main.bicep")
    named = [path for path in (INFRA / "modules").glob("*.bicep") if f"'modules/{path.name}'" in main.text]

    assert named == list((INFRA / "modules").glob("*.bicep"))


def test_every_hardened_type_is_deployed() -> None:
    """The rules of hardening are about resources that exist, so that none is met by absence."""
    deployed = {each["type"] for path in parameter_files() for each in resources(path)}

    assert (set(MUST) | PRIVATE) <= deployed


@pytest.mark.parametrize(
    "path",
    [*sorted(INFRA.rglob("*.json")), *sorted(ROOT.glob("host*.json"))],
    ids=lambda path: path.name,
)
def test_json_loads(path: Path) -> None:
    """Every JSON file of the installation is an object."""
    assert isinstance(json.loads(path.read_text()), dict)
