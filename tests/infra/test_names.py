"""Names that Bicep and the code must agree on: containers, tables, prefixes, routes, roles."""

from __future__ import annotations

import re
import runpy
from fnmatch import fnmatch
from typing import Any

from local_host.app.function_index import index
from shared.azure.names import Names
from shared.domain.batches.chunk import INPUTS_PREFIX, JOURNALS_PREFIX, PLANS_PREFIX
from shared.domain.files.file import FILES_PREFIX
from tests.infra.bicep_tree import INFRA, ROOT, read, templates, text_of, value, walk

# Role -> its id everywhere in Azure.
ROLES = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageBlobDataContributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "keyVaultSecretsOfficer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "cognitiveServicesOpenAiUser": "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
    "durableTaskDataContributor": "0ad04412-c4d5-4796-b79c-f76d14c8d402",
}
GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def routes() -> set[str]:
    app = runpy.run_path(str(ROOT / "function_app.py"))["app"]
    found = {f"/{function.route}" for function in index(app).http}
    return {"/" if ":maxlength(0)" in route else route for route in found}


def test_container_is_the_codes() -> None:
    """The account of files has the container that the service uses."""
    assert read(INFRA / "main.bicep").variable("filesContainer") == Names().container


def test_tables_are_the_codes() -> None:
    """The account of files has exactly the tables that the service uses."""
    tables: Any = read(INFRA / "main.bicep").variable("filesTables")
    names = Names()
    expected = {getattr(names, field) for field in Names.__dataclass_fields__} - {names.container}

    assert sorted(tables) == sorted(expected), "keep filesTables in infra/main.bicep like shared/azure/names.py"


def test_lifecycle_spares_files() -> None:
    """Only working data is removed by age: copies of inputs, journals and plans, never a file of a user."""
    prefixes: Any = read(INFRA / "main.bicep").variable("workingPrefixes")

    assert prefixes == [INPUTS_PREFIX, JOURNALS_PREFIX, PLANS_PREFIX]
    assert FILES_PREFIX not in prefixes


def test_availability_test_asks_a_route() -> None:
    """The web test asks for a route of the app, and the service answers it without a key."""
    asked = re.search(r"RequestUrl: '\$\{appUrl\}(.+)'", (INFRA / "modules/availability.bicep").read_text())

    assert asked
    assert asked[1] in routes()


def test_signin_leaves_every_route_to_the_service() -> None:
    """On every route the platform lets calls with API keys pass: no route is missing among the excluded paths."""
    signin = read(INFRA / "modules/signin.bicep")
    excluded: Any = next(
        value(node.named_children[1])
        for node in walk(signin.root)
        if node.type == "object_property" and text_of(node.named_children[0]) == "excludedPaths"
    )

    judged = [route for route in sorted(routes()) if not any(fnmatch(route, each) for each in excluded)]

    assert judged == [], "add the path to excludedPaths in infra/modules/signin.bicep"


def test_roles_have_their_ids() -> None:
    """Every role is what its name says, and no template holds another id."""
    declared: dict[str, object] = {}
    for path in templates():
        for each in read(path).of("var"):
            found = value(each.parts[-1])
            entries = found if isinstance(found, dict) else {each.name: found}
            declared |= {name: text for name, text in entries.items() if GUID.fullmatch(str(text))}

    assert declared == ROLES


def test_roles_are_assigned_on_resources() -> None:
    """Each assignment has one resource as its scope and says what kind of principal it is for."""
    assignments = [
        each
        for path in templates()
        for each in read(path).of("resource")
        if each.source.startswith("Microsoft.Authorization/roleAssignments@")
    ]

    assert len(assignments) > 5
    for each in assignments:
        assert {"scope", "name"} <= set(each.properties), each.name
        assert "principalType" in text_of(each.properties["properties"]), each.name
