"""The app settings that Bicep sets, and what reads them: the service, the durable host, the platform, telemetry."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import msgspec
import pytest

from shared.azure.connect import azure_stores
from shared.domain.deployments.deployment import Deployment
from shared.domain.deployments.deployment_setting import parse_deployments
from shared.domain.deployments.target_setting import OF_A_TARGET
from shared.environment import SettingsError
from shared.settings import Settings
from tests.infra.bicep_tree import (
    INFRA,
    ROOT,
    BicepFile,
    parameter_files,
    parse,
    properties,
    read,
    text_of,
    type_fields,
    value,
)
from tests.infra.compiler import resources
from tests.infra.flex import settings_of

# Setting -> who reads it. What the service reads is in shared/settings.py.
PLATFORM = {
    "AzureWebJobsStorage__blobServiceUri": "the Functions host",
    "AzureWebJobsStorage__queueServiceUri": "the Functions host",
    "AzureWebJobsStorage__tableServiceUri": "the Functions host",
    "AzureWebJobsStorage__credential": "the Functions host",
    "AzureWebJobsStorage__clientId": "the Functions host",
    "AzureWebJobsDisableHomepage": "the Functions host",
    "TASKHUB_NAME": "host.json",
    "AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions": "the Durable extension",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "the Functions host",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "the Functions host and the exporter",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "the Functions host and the exporter",
    "PYTHON_ENABLE_INIT_INDEXING": "the Python worker",
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "the Python worker",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "OpenTelemetry in the Python worker",
    "OTEL_PYTHON_FASTAPI_EXCLUDED_URLS": "OpenTelemetry in the Python worker",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED": "the exporter",
    "DURABLE_TASK_SCHEDULER_CONNECTION_STRING": "host.dts.json",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID": "App Service authentication",
}
# Package, or part of host.json, that asks for settings -> these, and their value where it must be one.
_STORAGE = {f"AzureWebJobsStorage__{name}": None for name in ("blobServiceUri", "credential", "clientId")}
_MONITOR = dict.fromkeys(("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"))
NEEDED: dict[str, dict[str, str | None]] = {
    "azure-functions": {**_STORAGE, "AzureWebJobsDisableHomepage": "true"},
    "azure-functions-durable": {"TASKHUB_NAME": None},
    "azurefunctions-extensions-http-fastapi": {"PYTHON_ENABLE_INIT_INDEXING": "1"},
    "azure-monitor-opentelemetry": {**_MONITOR, "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true"},
}
NEEDED_BY_BACKEND: dict[str, dict[str, str | None]] = {
    "storage": {f"AzureWebJobsStorage__{name}ServiceUri": None for name in ("blob", "queue", "table")},
    "scheduler": {"DURABLE_TASK_SCHEDULER_CONNECTION_STRING": None},
}
MIB = 1024 * 1024


def template() -> BicepFile:
    return read(INFRA / "modules/settings.bicep")


def set_by_bicep(file: BicepFile) -> set[str]:
    """Names in the objects that settings.bicep puts together, conditional ones among them."""
    names: set[str] = set()
    for variable in ("platform", "ofScheduler", "ofSignin", "ofEntra", "service"):
        node = file.find("var", variable).parts[-1]
        for part in [node, *node.named_children]:
            names |= set(properties(part)) if part.type == "object" else set()
    return names


def of_the_service() -> set[str]:
    return {item.metadata["name"] for item in fields(Settings) if "name" in item.metadata}


def storage_settings(file: BicepFile) -> set[str]:
    prefix = str(value(properties(file.find("var", "service").parts[-1])["BATCH_STORAGE"]))
    return {f"{prefix}__{name}" for name in ("blobServiceUri", "tableServiceUri", "clientId")}


def unread(file: BicepFile) -> set[str]:
    """Settings in Bicep that nobody reads, and settings of the platform that are not set."""
    return (set_by_bicep(file) - of_the_service()) ^ (set(PLATFORM) | storage_settings(file))


def unmatched(file: BicepFile) -> set[str]:
    """Settings of the service that cannot be set, or in two ways, and properties of extraSettings that it does not have."""
    own = set_by_bicep(file) & of_the_service()
    extra = set(type_fields(file, "serviceSettings"))
    return (own & extra) | ((own | extra) ^ of_the_service())


def test_every_setting_in_bicep_is_read() -> None:
    """What Bicep sets is read by the service, or by the platform as written down above; nothing else."""
    assert unread(template()) == set(), (
        "set what is read and read what is set: infra/modules/settings.bicep, PLATFORM above"
    )


def test_every_setting_of_the_service_can_be_set() -> None:
    """Each setting of the service is either set by Bicep or a property of the type of extraSettings; none is in both."""
    assert unmatched(template()) == set(), "keep `type serviceSettings` in infra/modules/settings.bicep like Settings"


@pytest.mark.parametrize(
    ("check", "was", "is_now", "expected"),
    [
        (unread, "  TASKHUB_NAME: hubName", "  TASK_HUB_NAME: hubName", {"TASKHUB_NAME", "TASK_HUB_NAME"}),
        (
            unread,
            "BatchStorage__tableServiceUri",
            "BatchStorage__tableUri",
            {"BatchStorage__tableServiceUri", "BatchStorage__tableUri"},
        ),
        (unmatched, "  BATCH_LANES: string?", "  BATCH_LANE: string?", {"BATCH_LANE", "BATCH_LANES"}),
        (
            unmatched,
            "  BATCH_LANES: string?",
            "  BATCH_LANES: string?\n  BATCH_DEPLOYMENTS: string?",
            {"BATCH_DEPLOYMENTS"},
        ),
        (unmatched, "  BATCH_BOOTSTRAP_KEY:", "  BATCH_FIRST_KEY:", {"BATCH_BOOTSTRAP_KEY"}),
    ],
)
def test_renamed_setting_is_found(
    check: Callable[[BicepFile], set[str]], was: str, is_now: str, expected: set[str]
) -> None:
    """A setting renamed on one side only, or given in two ways, is named."""
    text = template().text

    assert was in text
    assert check(parse(text.replace(was, is_now))) == expected


def test_no_further_setting_is_needed() -> None:
    """The type of extraSettings asks for nothing."""
    assert all(type_fields(template(), "serviceSettings").values())


def test_body_limit_leaves_refusing_to_the_service() -> None:
    """The platform's limit is above the largest file that the service takes, so the service's own answer comes first.

    Files that are not for batches are taken up to less than elsewhere, and the service is told so (docs/adr/0008).
    """
    file = template()
    defaults = {item.metadata.get("name"): item.default for item in fields(Settings)}
    written = dict(re.findall(r"extraSettings\.\?(\w+) \?\? '(\d+)'", file.text))
    limit = text_of(properties(file.find("var", "platform").parts[-1])["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"])

    told = properties(file.find("var", "usualLimits").parts[-1])

    assert {name: int(text) for name, text in written.items()} == dict.fromkeys(
        ("BATCH_MAX_FILE_BYTES", "BATCH_MAX_OTHER_FILE_BYTES"), defaults["BATCH_MAX_FILE_BYTES"]
    )
    assert text_of(told["BATCH_MAX_OTHER_FILE_BYTES"]) == "string(largestOtherFile)"
    assert "union(usualLimits, keysOfUpstreams, extraSettings," in file.text
    assert limit == "string(max(largestFile, largestOtherFile) + bodyMargin)"
    assert file.variable("bodyMargin") >= 8 * MIB  # type: ignore[operator]


async def test_service_connects_by_the_settings_of_bicep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stores find the account of files by exactly the settings that Bicep sets: endpoints and an identity."""
    given = {
        "BatchStorage__blobServiceUri": "https://files.blob.core.windows.net/",
        "BatchStorage__tableServiceUri": "https://files.table.core.windows.net/",
        "BatchStorage__clientId": "00000000-0000-0000-0000-000000000000",
    }
    for name, text in given.items():
        monkeypatch.setenv(name, text)

    await azure_stores("BatchStorage").close()

    assert set(given) == storage_settings(template())


@pytest.mark.parametrize("missing", ["BatchStorage__blobServiceUri", "BatchStorage__tableServiceUri"])
def test_service_needs_the_settings_of_bicep(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Without one of the endpoints the stores do not start, so its name is read."""
    for name in {"BatchStorage__blobServiceUri", "BatchStorage__tableServiceUri"} - {missing}:
        monkeypatch.setenv(name, "https://files.blob.core.windows.net/")

    with pytest.raises(SettingsError, match="BatchStorage__blobServiceUri"):
        azure_stores("BatchStorage")


def test_telemetry_is_set_as_documented() -> None:
    """Every app setting of docs/telemetry.md is set by Bicep, with the value that is written there."""
    section = (ROOT / "docs/telemetry.md").read_text().split("## App settings on Azure")[1].split("\n## ")[0]
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", section, flags=re.MULTILINE))
    given = properties(template().find("var", "platform").parts[-1])
    literals = {name: f"`{found}`" for name, node in given.items() if isinstance(found := value(node), str)}

    assert len(documented) > 3
    assert set(documented) <= set(given)
    assert {name: literals[name] for name in documented if name in literals} == {
        name: text for name, text in documented.items() if name in literals
    }


@pytest.mark.parametrize("name", ["host.json", "host.dts.json"])
def test_host_file_finds_its_settings(name: str) -> None:
    """Every setting that a host file names is set by Bicep."""
    host = json.loads((ROOT / name).read_text())
    provider = host["extensions"]["durableTask"]["storageProvider"]
    named = set(re.findall(r"%(\w+)%", json.dumps(host)))
    if connection := provider.get("connectionStringName"):
        named.add(connection)
    if connection := provider.get("connectionName"):
        named.add(f"{connection}__queueServiceUri")

    assert named <= set_by_bicep(template())


def lacking(needed: dict[str, str | None], settings: dict[str, str]) -> dict[str, str | None]:
    """What is not set, or set to another value than it must have."""
    return {name: text for name, text in needed.items() if not settings.get(name) or text not in (None, settings[name])}


@pytest.mark.parametrize("path", parameter_files(), ids=lambda path: path.stem)
def test_every_extension_has_its_settings(path: Path) -> None:
    """What a package or a backend asks of the app's settings is in what is deployed."""
    settings = settings_of(resources(path))
    backend = "scheduler" if path.stem == "production" else "storage"

    for needed in (*NEEDED.values(), NEEDED_BY_BACKEND[backend]):
        assert lacking(needed, settings) == {}


def test_every_extension_is_known() -> None:
    """Each package for Azure Functions that the app depends on is in NEEDED: what it asks for was looked up."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["service"]
    names = {re.split(r"[<>=]", each)[0] for each in listed}
    extensions = {name for name in names if re.match(r"azure-?functions|azure-monitor", name)}

    assert extensions == set(NEEDED)


def test_missing_setting_of_an_extension_is_found() -> None:
    """A setting that is absent, empty or of another value is named."""
    assert lacking({"A": None, "B": "1", "C": "1", "D": "1"}, {"A": "", "B": "0", "C": "1"}) == {
        "A": None,
        "B": "1",
        "D": "1",
    }


def test_the_header_of_app_service_is_never_trusted() -> None:
    """Sign-in excludes the paths of the API (signin.bicep), and nobody has seen what the platform strips there."""
    service = properties(template().find("var", "service").parts[-1])

    assert value(service["BATCH_TRUST_CLIENT_PRINCIPAL"]) == "false"
    assert "ofEntra, service)" in template().text  # Last, so that no other object of settings replaces it.


def test_no_own_setting_can_be_taken_for_a_key() -> None:
    """Every setting that Bicep sets, and every one of the service, begins as none that a deployment may name for its key."""
    prefixes = read(INFRA / "modules/settings.bicep").variable("ownPrefixes")
    own = set_by_bicep(template()) | of_the_service()

    assert isinstance(prefixes, list)
    assert [name for name in sorted(own) if not name.upper().startswith(tuple(prefixes))] == []


def test_host_files_differ_in_the_backend_only() -> None:
    """host.dts.json is host.json with another storage provider."""
    plain, scheduler = (json.loads((ROOT / name).read_text()) for name in ("host.json", "host.dts.json"))
    providers = [host["extensions"]["durableTask"].pop("storageProvider")["type"] for host in (plain, scheduler)]

    assert (plain == scheduler, providers) == (True, ["AzureStorage", "azureManaged"])


def test_deployment_type_is_the_services() -> None:
    """Bicep's type of a deployment has the settings of one, but for `api_key`: keys belong in the vault.

    One with targets has its address from them.
    """
    declared = type_fields(template(), "deployment")
    needed = {field.encode_name for field in msgspec.structs.fields(Deployment) if field.required} - {"name"}

    expected = set(Deployment.__struct_fields__) - {"name", "api_key"}
    assert set(declared) == expected, "keep `type deployment` in infra/modules/settings.bicep like Deployment"
    assert {name for name, optional in declared.items() if not optional} == needed - {"base_url"}


def test_target_type_is_the_services() -> None:
    """Bicep's type of a target has the settings of one, but for `api_key`."""
    declared = type_fields(template(), "target")

    assert set(declared) == set(OF_A_TARGET) - {"api_key"}, "keep `type target` like target_setting"
    assert [name for name, optional in declared.items() if not optional] == ["base_url"]


@pytest.mark.parametrize("path", parameter_files(), ids=lambda path: path.stem)
def test_deployments_of_the_examples_are_sound(path: Path) -> None:
    """The service accepts the deployments of every parameter file, with the settings that Bicep makes of them."""
    file = read(path)
    deployments = file.variable("deployments")
    environment = dict.fromkeys(settings_of(resources(path)), "key")

    problems = parse_deployments(json.dumps(deployments), environment)[1] if isinstance(deployments, dict) else []

    assert problems == []


@pytest.mark.parametrize("file", ["host.json", "host.dts.json"])
def test_lanes_never_fill_the_slots(file: str) -> None:
    """Half of the activity slots stay free for short work, with host.json alone as with the settings of a deployment."""
    slots = json.loads((ROOT / file).read_text())["extensions"]["durableTask"]["maxConcurrentActivityFunctions"]
    deployed = re.search(r"var activitySlots = (\d+)", template().text)

    assert Settings().lanes_per_process * 2 <= slots
    assert deployed is not None
    assert int(deployed[1]) >= slots
    assert "BATCH_LANES_PER_PROCESS: string(activitySlots / 2)" in template().text
