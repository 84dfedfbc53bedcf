"""The templates as the real compiler sees them: no word against them, and snapshots that are what is committed.

A call of the compiler takes seconds, so a test plants all its mistakes at once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.domain.keys.entra_rules import PUBLIC_AUTHORITY, EntraRules
from shared.environment import parse_settings
from tests.infra.bicep_tree import INFRA, parameter_files
from tests.infra.compiler import copy_of_infra, run, said, snapshot, snapshot_of
from tests.infra.flex import settings_of

pytestmark = pytest.mark.usefixtures("compiler")
REWRITE = "look at the difference; if it is meant, run `python -m tests.infra.compiler`"
# File of infra/ -> what is written there, what stands there then, and what the compiler says.
PLANTED = [
    ("modules/storage.bicep", "minimumTlsVersion:", "minimumTLSVersion:", 'Did you mean "minimumTlsVersion"?'),
    ("modules/storage.bicep", "max(softDeleteDays, 1)", "softDeleteDays", "BCP329"),
    ("modules/app.bicep", "name: planName", "name: planNme", "planNme"),
    ("modules/app.bicep", "httpsOnly: true", "httpsOnly: 'true'", "BCP036"),
    ("main.bicep", "    signin: !empty(signinClientId)\n", "", '"signin"'),
    ("main.bicep", "param tags object = {}", "param tags object = {}\nparam odd string = ''", "no-unused-params"),
    ("main.bicep", "= app.outputs.url", "= bootstrapKey", "outputs-should-not-contain-secrets"),
    ("main.bicepparam", "param durableBackend =", "param durableBackEnd =", "durableBackEnd"),
]
REFUSED = {
    "location = 'Qatar Central'": "Qatar Central has no Flex Consumption",
    "zoneRedundant = true": "set storageRedundancy to Standard_ZRS or Standard_GZRS",
    "entraTenant = 'a'": "entraTenant and entraAudience need each other",
    "publicApi = false": "publicApi = false needs privateNetwork = true",
    "deployments = { a: { base_url: 'u', api_key_env: 'BOOTSTRAP_KEY' }\n"
    "b: { base_url: 'u', api_key_env: 'Batch_Storage' }\n"
    "c: { base_url: 'u', api_key_env: 'Key_Peppers' } }": "the service itself: BOOTSTRAP_KEY, Batch_Storage, Key_Peppers.",
}
ALIKE = "deployments = { a: { base_url: 'u', api_key_env: 'KEY' }\nb: { base_url: 'u', api_key_env: 'key' } }"


def plant(file: Path, was: str, is_now: str) -> None:
    text = file.read_text()
    assert was in text
    file.write_text(text.replace(was, is_now, 1))


def with_parameters(folder: Path, *given: str) -> Path:
    """A parameter file beside a copy of the templates; `name` and `location` have values unless they are given."""
    usual = {"name": "name = 'batch'", "location": "location = 'swedencentral'"}
    names = {each.split()[0] for each in given}
    lines = [*(text for name, text in usual.items() if name not in names), *given]
    file = copy_of_infra(folder) / "tried.bicepparam"
    file.write_text("using './main.bicep'\n" + "".join(f"param {line}\n" for line in lines))
    return file


def made_by(file: Path, **settings: str) -> list[dict[str, Any]]:
    done = snapshot(file, "overwrite", **settings)
    assert done.returncode == 0, done.stderr
    made: list[dict[str, Any]] = json.loads(snapshot_of(file).read_text())["predictedResources"]
    return made


def names_of(kind: str, made: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in made if each["type"] == kind]


def properties_of(kind: str, made: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = next(each["properties"] for each in made if each["type"] == kind)
    return found


def test_compiler_has_nothing_to_say() -> None:
    """main.bicep and all its modules compile without an error, a warning or a hint."""
    done = run("lint", str(INFRA / "main.bicep"))

    assert (said(done), done.returncode) == ([], 0)


@pytest.mark.parametrize("path", parameter_files(), ids=lambda path: path.stem)
def test_snapshot_is_what_would_be_deployed(path: Path) -> None:
    """The parameter file compiles, and the committed snapshot is what the templates make of it now."""
    done = snapshot(path, "validate")

    assert (said(done), done.returncode) == ([], 0), f"{REWRITE}:\n{done.stdout}{done.stderr}"


def test_planted_mistakes_are_found(tmp_path: Path) -> None:
    """The compiler names every mistake that is planted, be it an error or a warning to it."""
    infra = copy_of_infra(tmp_path)
    for file, was, is_now, _ in PLANTED:
        plant(infra / file, was, is_now)

    told = "\n".join(said(run("build-params", str(infra / "main.bicepparam"), "--stdout")))

    assert [expected for *_, expected in PLANTED if expected not in told] == []


def test_planted_change_breaks_the_snapshot(tmp_path: Path) -> None:
    """Templates that make something else than the snapshot says are told, with the difference."""
    infra = copy_of_infra(tmp_path)
    plant(infra / "modules/app.bicep", "httpsOnly: true", "httpsOnly: false")

    done = snapshot(infra / "main.bicepparam", "validate")

    assert done.returncode != 0
    assert "httpsOnly" in done.stdout + done.stderr


def test_what_cannot_work_is_refused_first(tmp_path: Path) -> None:
    """What would fail in the middle of a deployment, or run and be wrong, stops it before anything is made: all at once."""
    done = snapshot(with_parameters(tmp_path, *REFUSED), "overwrite")

    assert done.returncode != 0
    assert [expected for expected in REFUSED.values() if expected not in done.stderr] == []


def test_two_keys_for_one_secret_are_refused(tmp_path: Path) -> None:
    """Settings whose keys would overwrite each other in the vault are named."""
    done = snapshot(with_parameters(tmp_path, ALIKE), "overwrite")

    assert done.returncode != 0
    assert "would share a secret: KEY, key." in done.stderr


TRIED = (
    "name = 'my_batch.one'",
    "location = 'Atlantis North'",
    "furtherRegions = ['atlantisnorth']",
    "maximumInstanceCount = 1",
    "budgetAmount = 1",
    "recoverVault = true",
    "privateNetwork = true",
    "durableBackend = 'scheduler'",
    "operatorId = 'none'",
    "entraTenant = '11111111-2222-3333-4444-555555555555'",
    "entraAudience = 'api://batch,client'",
    "entraProjects = { 'azp:a': 'default' }",
    "entraPageClient = 'AAAAAAAA-0000-0000-0000-000000000001'",
)


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory, compiler: None) -> list[dict[str, Any]]:
    """What TRIED deploys: parameters that no example sets, and a region that this template does not know."""
    return made_by(with_parameters(tmp_path_factory.mktemp("tried"), *TRIED))


def test_any_name_of_azd_is_taken(tried: list[dict[str, Any]]) -> None:
    """It may have signs that the names of apps, identities and budgets must not have; the tag that azd looks for keeps them."""
    assert names_of("Microsoft.Resources/resourceGroups", tried) == ["rg-my-batch-one"]
    assert names_of("Microsoft.Web/sites", tried)[0].startswith("func-my-batch-one-")
    assert names_of("Microsoft.ManagedIdentity/userAssignedIdentities", tried)[0].startswith("id-my-batch-one-")
    assert names_of("Microsoft.Consumption/budgets", tried) == ["budget-my-batch-one"]
    assert tried[0]["tags"]["azd-env-name"] == "my_batch.one"


def test_scheduler_joins_the_private_network(tried: list[dict[str, Any]]) -> None:
    """With a private network the scheduler, too, answers there only, under a name that is found there."""
    assert properties_of("Microsoft.DurableTask/schedulers", tried)["publicNetworkAccess"] == "Disabled"
    assert any(name.endswith("-scheduler") for name in names_of("Microsoft.Network/privateEndpoints", tried))
    assert "privatelink.durabletask.io" in names_of("Microsoft.Network/privateDnsZones", tried)


def test_deleted_vault_is_taken_back(tried: list[dict[str, Any]]) -> None:
    """When it is asked for; the snapshots of the examples show that it is not done else."""
    assert properties_of("Microsoft.KeyVault/vaults", tried)["createMode"] == "recover"


def test_one_instance_is_a_limit_like_another(tried: list[dict[str, Any]]) -> None:
    """Azure takes 1 to 1000."""
    scale = properties_of("Microsoft.Web/sites", tried)["functionAppConfig"]["scaleAndConcurrency"]

    assert scale["maximumInstanceCount"] == 1


def test_nobody_need_be_operator(tried: list[dict[str, Any]]) -> None:
    """With operatorId none, every role is the service's own."""
    roles = [each["properties"] for each in tried if each["type"] == "Microsoft.Authorization/roleAssignments"]

    assert {each["principalType"] for each in roles} == {"ServicePrincipal"}


def test_tokens_are_taken_as_said(tried: list[dict[str, Any]]) -> None:
    """The service starts with the settings that are made of it, and takes tokens of the cloud's own authority."""
    settings = settings_of(tried)
    given = {name: text for name, text in settings.items() if name.startswith(("BATCH_ENTRA_", "BATCH_TRUST_"))}
    of_the_cloud = {"BATCH_ENTRA_AUTHORITY": "https://login.microsoftonline.com/"}

    assert given["BATCH_ENTRA_AUTHORITY"] == "[environment().authentication.loginEndpoint]"
    assert parse_settings(given | of_the_cloud).entra == EntraRules(
        tenant="11111111-2222-3333-4444-555555555555",
        audiences=("api://batch", "client"),
        authority=PUBLIC_AUTHORITY,
        projects={"azp:a": "default"},
        page_client="aaaaaaaa-0000-0000-0000-000000000001",
    )
    assert given["BATCH_TRUST_CLIENT_PRINCIPAL"] == "false"


def test_keys_given_with_the_deployment_reach_the_vault(tmp_path: Path) -> None:
    """A key that a deployment names is written to its secret, no other is, and the snapshot holds none."""
    file = copy_of_infra(tmp_path) / "examples/small.bicepparam"

    made = made_by(file, BATCH_UPSTREAM_KEYS='{"OPENAI_API_KEY": "hunter2", "OTHER": "hunter3"}')

    secrets = [name.split("/")[1] for name in names_of("Microsoft.KeyVault/vaults/secrets", made)]
    assert secrets == ["bootstrap-key", "key-peppers", "openai-api-key"]
    assert "hunter" not in json.dumps(made)


def test_writes_to_the_vault_follow_one_another() -> None:
    """The vault refuses two writes at a time: the keys come one by one, after the peppers, and these after the first key."""
    made = json.loads(run("build", str(INFRA / "modules/vault.bicep"), "--stdout").stdout)["resources"]
    keys = made["keysOfUpstreams"]

    assert (keys["copy"]["mode"], keys["copy"]["batchSize"]) == ("serial", 1)
    assert "firstPeppers" in keys["dependsOn"]
    assert "firstKey" in made["firstPeppers"]["dependsOn"]


def test_vault_and_budget_keep_what_is_written_once() -> None:
    """The first key, the peppers and the first month of the budget are not written again by a later deployment."""
    for module, name in (("vault", "firstKey"), ("vault", "firstPeppers"), ("budget", "budget")):
        made = json.loads(run("build", str(INFRA / f"modules/{module}.bicep"), "--stdout").stdout)["resources"]

        assert "onlyIfNotExists" in made[name]["@options"]
