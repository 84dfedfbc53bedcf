"""The checks themselves: each finds the mistake that is planted for it, and nothing in a sound sample."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.infra.bicep_tree import INFRA, BicepFile, parse, read, syntax_errors
from tests.infra.compiler import resources
from tests.infra.flex import foreign_metrics, not_on_flex
from tests.infra.hardening import Resource, open_to_the_public, passwords_left, soft_spots
from tests.infra.secrets import bare_secrets, leaked_secrets, secret_outputs
from tests.infra.style import style_problems

PRIVATE = INFRA / "examples/private-network.bicepparam"
ACTIONS = "module a 'modules/actions.bicep' = {\n  name: 'a'\n  params: { name: 'n-${k}', tags: {}, emails: [] }\n}\n"
STORAGE, SITE, SETTINGS = "Microsoft.Storage/storageAccounts", "Microsoft.Web/sites", "Microsoft.Web/sites/config"


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
        (secret_outputs, "@secure()\nparam a string\noutput b string = 'x${a}'\n", "output b shows a secret"),
        (secret_outputs, "output b string = component.properties.ConnectionString\n", "output b shows a secret"),
        (bare_secrets, "param apiKey string\n", "apiKey is not @secure()"),
        (bare_secrets, "@secure()\nparam apiKey string = 'hunter2'\n", "default that everyone can read"),
        (leaked_secrets, "@secure()\nparam k string\n" + ACTIONS, "takes a secret as name"),
    ],
)
def test_mistake_is_found(check: Callable[[BicepFile], list[str]], text: str, expected: str) -> None:
    """One planted mistake, one report that names it."""
    assert says(check(parse(text)), expected)


def changed(kind: str, path: str, value: Any) -> list[Resource]:
    """The private network's snapshot, with a property of the first resource of a kind changed, or removed for None."""
    made = copy.deepcopy(resources(PRIVATE))
    found = next(each for each in made if each["type"] == kind)
    *way, last = path.split(".")
    for name in way:
        found = found.setdefault(name, {})
    found[last] = value
    return made


def with_alert(metric: str) -> list[Resource]:
    alert = {
        "type": "Microsoft.Insights/metricAlerts",
        "name": "errors",
        "properties": {
            "scopes": ["/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/app"],
            "criteria": {"allOf": [{"metricName": metric}]},
        },
    }
    return [*resources(PRIVATE), alert]


@pytest.mark.parametrize(
    ("check", "made", "expected"),
    [
        (soft_spots, changed(STORAGE, "properties.allowSharedKeyAccess", True), "allowSharedKeyAccess must be False"),
        (soft_spots, changed(STORAGE, "properties.minimumTlsVersion", None), "must be 'TLS1_2'"),
        (soft_spots, changed(STORAGE, "properties.minimumTlsVersion", "TLS1.2"), "must be 'TLS1_2'"),
        (soft_spots, changed(SITE, "properties.httpsOnly", "[if(x, true, false)]"), "httpsOnly must be True"),
        (passwords_left, changed(f"{SITE}/basicPublishingCredentialsPolicies", "name", "x/ftp"), "off for ftp"),
        (not_on_flex, changed(SITE, "properties.siteConfig.alwaysOn", True), "alwaysOn has no place"),
        (
            not_on_flex,
            changed(SETTINGS, "properties.FUNCTIONS_WORKER_RUNTIME", "python"),
            "WORKER_RUNTIME has no place",
        ),
        (foreign_metrics, with_alert("Http5xx"), "Flex has no metric Http5xx"),
        (open_to_the_public, changed("Microsoft.KeyVault/vaults", "properties.publicNetworkAccess", "Enabled"), "kv-"),
    ],
)
def test_mistake_in_what_is_deployed_is_found(
    check: Callable[[list[Resource]], list[str]], made: list[Resource], expected: str
) -> None:
    """One planted mistake, one report that names it."""
    assert says(check(made), expected)


def test_metric_of_flex_may_be_watched() -> None:
    """An alert on what Flex publishes is no mistake."""
    assert foreign_metrics(with_alert("InstanceCount")) == []


def test_checks_read_the_real_files() -> None:
    """main.bicep has parameters, modules and outputs: the checks above do not pass for want of a tree."""
    main = read(INFRA / "main.bicep")

    assert (len(main.of("param")) > 20, len(main.of("module")) > 10, len(main.of("output")) > 3) == (True, True, True)
