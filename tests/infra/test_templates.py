"""Every template and parameter file of `infra/`, by every check that needs no cloud."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.accesses import odd_module_calls, unknown_accesses, unknown_decorators
from tests.infra.bicep_tree import INFRA, ROOT, BicepFile, parameter_files, read, syntax_errors, templates
from tests.infra.flex import not_on_flex
from tests.infra.hardening import MUST, passwords_left, soft_spots
from tests.infra.modules import import_problems, module_problems
from tests.infra.parameter_files import parameter_problems, template_of
from tests.infra.resource_types import DATA, resource_problems, type_data
from tests.infra.secrets import bare_secrets, secret_outputs
from tests.infra.style import style_problems
from tests.infra.symbols import duplicate_names, unresolved_names, unused_names

CHECKS = (
    syntax_errors,
    style_problems,
    duplicate_names,
    unresolved_names,
    unused_names,
    import_problems,
    module_problems,
    odd_module_calls,
    unknown_accesses,
    unknown_decorators,
    secret_outputs,
    bare_secrets,
    soft_spots,
    passwords_left,
    not_on_flex,
)
needs_data = pytest.mark.skipif(not DATA.is_file(), reason="the type data is not beside the clone (shared/data)")
each_template = pytest.mark.parametrize("path", templates(), ids=lambda path: path.stem)
each_parameter_file = pytest.mark.parametrize("path", parameter_files(), ids=lambda path: path.stem)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@each_template
def test_template_is_sound(path: Path, check: Callable[[BicepFile], list[str]]) -> None:
    """The check finds nothing in the template."""
    assert check(read(path)) == []


@needs_data
@each_template
def test_resources_match_their_types(path: Path) -> None:
    """Every resource has the properties and values that Azure's type data knows."""
    assert resource_problems(read(path)) == []


@pytest.mark.parametrize("check", [syntax_errors, duplicate_names, unresolved_names], ids=lambda check: check.__name__)
@each_parameter_file
def test_parameter_file_is_sound(path: Path, check: Callable[[BicepFile], list[str]]) -> None:
    """The check finds nothing in the parameter file."""
    assert check(read(path)) == []


@each_parameter_file
def test_parameter_file_fits_its_template(path: Path) -> None:
    """It sets what main.bicep declares, all that is needed, and only values that are allowed."""
    file = read(path)

    assert parameter_problems(file, template_of(file), read(INFRA / "modules/settings.bicep")) == []


def test_every_module_is_used() -> None:
    """main.bicep calls every module there is."""
    called = {INFRA / each.source for each in read(INFRA / "main.bicep").of("module")}

    assert called == set((INFRA / "modules").glob("*.bicep"))


def test_every_hardened_type_is_declared() -> None:
    """The rules of hardening are about resources that exist, so that none is met by absence."""
    declared = {each.source.split("@")[0] for path in templates() for each in read(path).of("resource")}

    assert set(MUST) <= declared


@needs_data
def test_type_data_is_the_slice_that_is_meant() -> None:
    """The data holds types of resources that the templates declare."""
    assert "Microsoft.Web/sites@2024-11-01" in type_data()


@pytest.mark.parametrize(
    "path", [*sorted(INFRA.rglob("*.json")), *sorted(ROOT.glob("host*.json"))], ids=lambda path: path.name
)
def test_json_loads(path: Path) -> None:
    """Every JSON file of the installation is an object."""
    assert isinstance(json.loads(path.read_text()), dict)
