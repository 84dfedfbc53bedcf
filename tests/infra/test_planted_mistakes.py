"""The checks themselves: each finds the mistake that is planted for it, and nothing in a sound sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.accesses import odd_module_calls, unknown_accesses, unknown_decorators
from tests.infra.bicep_tree import INFRA, BicepFile, parse, read, syntax_errors
from tests.infra.flex import not_on_flex
from tests.infra.hardening import passwords_left, soft_spots
from tests.infra.modules import import_problems, module_problems
from tests.infra.parameter_files import parameter_problems
from tests.infra.resource_types import DATA, resource_problems
from tests.infra.secrets import bare_secrets, secret_outputs
from tests.infra.style import style_problems
from tests.infra.symbols import duplicate_names, unresolved_names, unused_names

needs_data = pytest.mark.skipif(not DATA.is_file(), reason="the type data is not beside the clone (shared/data)")
STORAGE = """
resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: 'files'
  location: 'westeurope'
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}
"""
SCHEDULER = """
@description('n')
param days string
resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = [for place in ['a', 'b']: {
  name: 'dts-${place}'
  location: place
  properties: {
    ipAllowlist: ['0.0.0.0/0']
    sku: big ? { name: 'Dedicated', capacity: 3 } : { name: 'Consumption' }
  }
}]
var big = true
"""
CONFIG = """
resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: 'app'
}
resource noFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}
"""
ACTIONS = "module a 'modules/actions.bicep' = {\n  name: 'a'\n  params: { name: 'n', tags: {}, emails: [] }\n}\n"


def says(problems: list[str], expected: str) -> bool:
    return len(problems) == 1 and expected in problems[0]


@pytest.mark.parametrize(
    ("check", "text", "expected"),
    [
        (syntax_errors, "param a string =\n", "cannot be parsed"),
        (style_problems, "@description('a')\nparam a resourceInput<'x@1'>\n", "resource-derived"),
        (style_problems, "var a = [\n  ...b\n]\n", "spread"),
        (style_problems, "var a = $'''x'''\n", "multi-line"),
        (style_problems, "extension graph\n", "extension"),
        (style_problems, "module a 'br/public:avm/x:1' = {\n}\n", "registry"),
        (style_problems, "var a = account.listKeys().keys[0].value\n", "list function"),
        (style_problems, "var a = 'x;AccountKey=${b}'\n", "a key"),
        (style_problems, "param a string\n", "no @description"),
        (duplicate_names, "param a string\nvar a = 'x'\n", "a is declared twice"),
        (duplicate_names, "output a string = 'x'\noutput a string = 'y'\n", "a is declared twice"),
        (duplicate_names, "var a = {\n  b: 1\n  b: 2\n}\n", "b is given twice"),
        (unresolved_names, "var a = locaton\n", "locaton is not declared"),
        (unresolved_names, "var a = 'x-${nme}'\n", "nme is not declared"),
        (unresolved_names, "var a = toLowr('x')\n", "toLowr is not declared"),
        (unresolved_names, "var a = [for x in [1]: y]\n", "y is not declared"),
        (unresolved_names, "var a = [for x in xs: x]\n", "xs is not declared"),
        (unresolved_names, "var a = map([1], n => m)\n", "m is not declared"),
        (unresolved_names, "param a thing\n", "thing is not declared"),
        (unused_names, "param a string\n", "param a is never used"),
        (module_problems, "module a 'modules/nowhere.bicep' = {\n}\n", "no module"),
        (
            module_problems,
            "module a 'modules/actions.bicep' = {\n  params: { name: 'n', tags: {} }\n}\n",
            "needs emails",
        ),
        (
            module_problems,
            "module a 'modules/actions.bicep' = {\n  params: { name: 'n', tags: {}, emails: [], mail: 'x' }\n}\n",
            "no parameter mail",
        ),
        (
            module_problems,
            ACTIONS + "output x string = a!.outputs.name\n",
            "puts out no name",
        ),
        (
            module_problems,
            "@secure()\nparam k string\n" + ACTIONS.replace("'n'", "'n-${k}'"),
            "takes a secret as name",
        ),
        (import_problems, "import { thing } from 'modules/settings.bicep'\n", "exports no thing"),
        (import_problems, "import { deployment } from 'modules/nowhere.bicep'\n", "exports no deployment"),
        (odd_module_calls, ACTIONS.replace("params", "parameters"), "parameters, params is odd or missing"),
        (odd_module_calls, "targetScope = 'subscription'\n" + ACTIONS, "scope is odd or missing"),
        (unknown_accesses, ACTIONS + "var b = a.output.id\n", "a has no output.id"),
        (unknown_accesses, "var a = {\n  b: 1\n}\nvar c = a.d\n", "a has no d"),
        (unknown_accesses, "var a = [\n  { b: 1 }\n]\nvar c = [for x in a: x.d]\n", "x has no d"),
        (unknown_accesses, "type t = {\n  b: int?\n}\nparam a t\nvar c = a.?d\n", "a has no d"),
        (unknown_accesses, "var a = environment().suffixes.storge\n", "has no suffixes.storge"),
        (unknown_decorators, "@secured()\nparam a string\n", "@secured() is no decorator"),
        (secret_outputs, "@secure()\nparam a string\noutput b string = 'x${a}'\n", "output b shows a secret"),
        (secret_outputs, "output b string = component.properties.ConnectionString\n", "output b shows a secret"),
        (bare_secrets, "param apiKey string\n", "apiKey is not @secure()"),
        (bare_secrets, "@secure()\nparam apiKey string = 'hunter2'\n", "default that everyone can read"),
        (soft_spots, STORAGE.replace("SharedKeyAccess: false", "SharedKeyAccess: true"), "must be False"),
        (soft_spots, STORAGE.replace("    minimumTlsVersion: 'TLS1_2'\n", ""), "must be 'TLS1_2'"),
        (not_on_flex, "var a = {\n  FUNCTIONS_WORKER_RUNTIME: 'python'\n}\n", "FUNCTIONS_WORKER_RUNTIME has no place"),
        (not_on_flex, "var a = {\n  alwaysOn: true\n}\n", "alwaysOn has no place"),
        (passwords_left, CONFIG.replace(" existing", ""), "not switched off for scm"),
    ],
)
def test_mistake_is_found(check: Callable[[BicepFile], list[str]], text: str, expected: str) -> None:
    """One planted mistake, one report that names it."""
    assert says(check(parse(text)), expected)


@needs_data
@pytest.mark.parametrize(
    ("sound", "was", "is_now", "expected"),
    [
        (STORAGE, "minimumTlsVersion", "minimumTLSVersion", "is no property; minimumTlsVersion is meant?"),
        (STORAGE, "allowSharedKeyAccess", "allowKeys", "allowKeys: is no property"),
        (STORAGE, "'TLS1_2'", "'TLS1.2'", "'TLS1.2' is not one of"),
        (STORAGE, "  kind: 'StorageV2'\n", "", "kind is missing"),
        (STORAGE, "allowSharedKeyAccess: false", "allowSharedKeyAccess: 'false'", "does not fit"),
        (STORAGE, "    allowShared", "    primaryLocation: 'x'\n    allowShared", "is read-only"),
        (STORAGE, "name: 'files'", "name: 'Files'", "does not fit"),
        (STORAGE, "@2025-01-01", "@2025-01-02", "2025-01-01 is meant?"),
        (STORAGE, "{\n    name: 'Standard_LRS'\n  }", "'Standard_LRS'", "an object is expected"),
        (SCHEDULER, "    ipAllowlist: ['0.0.0.0/0']\n", "", "ipAllowlist is missing"),
        (SCHEDULER, "['0.0.0.0/0']", "'0.0.0.0/0'", "a list is expected"),
        (SCHEDULER, "['0.0.0.0/0']", "[1]", "does not fit"),
        (SCHEDULER, "capacity: 3", "capacity: days", "days is string"),
        (SCHEDULER, "name: 'Consumption'", "name: 'consumption'", "'consumption' is not one of"),
        (CONFIG, "allow: false", "allow: 'no'", "does not fit"),
        (CONFIG, "    allow: false\n", "", "allow is missing"),
    ],
)
def test_mistake_in_a_resource_is_found(sound: str, was: str, is_now: str, expected: str) -> None:
    """The sound sample passes; with one mistake planted, the report names it."""
    assert resource_problems(parse(sound)) == []
    assert says(resource_problems(parse(sound.replace(was, is_now))), expected)


@needs_data
@pytest.mark.parametrize(
    "path", ["propertis.primaryEndpoints", "properties.primaryEndpoint", "properties.primaryEndpoints.blobs"]
)
def test_unknown_property_that_is_read_is_found(path: str) -> None:
    """What a template reads of a resource is in the type data, read-only or not."""
    assert unknown_accesses(parse(STORAGE + "var a = account.properties.primaryEndpoints.blob\n")) == []
    assert says(unknown_accesses(parse(f"{STORAGE}var a = account.{path}\n")), f"account has no {path}")


TEMPLATE = """
type place = {
  url: string
  limit: int?
}
@allowed(['a', 'b'])
param mode string
@minValue(2)
param size int = 2
param places { *: place } = {}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("param size = 3\n", "mode is needed"),
        ("param mode = 'a'\nparam sise = 3\n", "no parameter sise"),
        ("param mode = 'c'\n", "does not allow 'c'"),
        ("param mode = 'a'\nparam size = 1\n", "does not allow 1"),
        ("param mode = 'a'\nparam size = 'big'\n", "is int"),
        ("param mode = 'a'\nparam places = {\n  x: { url: 'u', limits: 1 }\n}\n", "no limits in place"),
        ("param mode = 'a'\nparam places = {\n  x: { limit: 1 }\n}\n", "lacks url of place"),
    ],
)
def test_mistake_in_a_parameter_file_is_found(text: str, expected: str) -> None:
    """One planted mistake, one report that names it."""
    template = parse(TEMPLATE)
    file = parse(text, Path("sample.bicepparam"))

    assert says(parameter_problems(file, template, template), expected)


def test_sound_parameter_file_passes() -> None:
    """Literals that the template allows, and values it cannot know, are no mistakes."""
    text = "param mode = 'b'\nparam size = int(readEnvironmentVariable('S', '2'))\nparam places = { x: { url: 'u' } }\n"
    template = parse(TEMPLATE)

    assert parameter_problems(parse(text, Path("sample.bicepparam")), template, template) == []


def test_loops_lambdas_and_imports_bind_their_names() -> None:
    """What a loop, a lambda or an import names is declared where it is used."""
    text = (
        "import { thing } from 'x.bicep'\nparam p thing\n"
        "var a = [for (x, i) in range(0, 2): '${x}${i}${p}']\nvar b = filter(a, n => contains(a, n))\n"
    )

    assert unresolved_names(parse(text)) == []


def test_checks_read_the_real_files() -> None:
    """main.bicep has parameters, modules and outputs: the checks above do not pass for want of a tree."""
    main = read(INFRA / "main.bicep")

    assert (len(main.of("param")) > 20, len(main.of("module")) > 10, len(main.of("output")) > 3) == (True, True, True)
