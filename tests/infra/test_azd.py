"""`azd up`: azure.yaml, its hooks, and the names that templates and hooks hand to each other."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.infra.bicep_tree import INFRA, ROOT, read, value

HOOKS = INFRA / "hooks"
CONFIGURATION = yaml.safe_load((ROOT / "azure.yaml").read_text())
OUTPUTS = {each.name for each in read(INFRA / "main.bicep").of("output")}
PRINTED = {
    "BATCH_URL": "https://func-batch-abc.azurewebsites.net",
    "BATCH_VAULT_NAME": "kv-abc",
    "BATCH_FIRST_KEY_NAME": "bootstrap-key",
}


def run_hook(name: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {key: text for key, text in os.environ.items() if not key.startswith(("BATCH_", "AZURE_"))}
    command = [sys.executable, str(HOOKS / name)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env={**clean, **environment})


def test_azd_finds_the_template() -> None:
    """azure.yaml names the folder and the module that exist."""
    infra = CONFIGURATION["infra"]

    assert (ROOT / infra["path"] / f"{infra['module']}.bicep").is_file()


def test_azd_finds_the_app() -> None:
    """The app carries the tag by which azd knows where a service goes."""
    tagged = re.findall(r"'azd-service-name': '(\w+)'", (INFRA / "modules/app.bicep").read_text())

    assert tagged == list(CONFIGURATION["services"])


def test_every_hook_runs_a_file_that_exists() -> None:
    """Each hook has a form for both systems, and both run the same script."""
    hooks = [*CONFIGURATION["hooks"].values(), *CONFIGURATION["services"]["api"]["hooks"].values()]

    for hook in hooks:
        scripts = [shlex.split(hook[system]["run"])[1] for system in ("posix", "windows")]
        assert scripts[0] == scripts[1]
        assert (ROOT / scripts[0]).is_file()


def test_what_next_needs_only_outputs() -> None:
    """The hook after provisioning prints names that main.bicep puts out."""
    assert set(PRINTED) <= OUTPUTS


def test_what_next_is_said() -> None:
    """It says where the service is, how to see the first key, and how to try the service; it shows no key."""
    done = run_hook("say_what_next.py", {**PRINTED, "BATCH_DEPLOYMENTS": '{"m": {"base_url": "https://x"}}'})

    assert done.returncode == 0
    assert "az keyvault secret show --vault-name kv-abc --name bootstrap-key" in done.stdout
    assert "scripts/smoke https://func-batch-abc.azurewebsites.net" in done.stdout
    assert "no model" not in done.stdout


def test_what_next_tells_of_missing_models() -> None:
    """Without deployments it says how to name one."""
    done = run_hook("say_what_next.py", PRINTED)

    assert "azd env set BATCH_DEPLOYMENTS" in done.stdout


@pytest.mark.parametrize("missing", sorted(PRINTED))
def test_what_next_without_names(missing: str) -> None:
    """Called without what azd sets, it says what is missing and what to run."""
    done = run_hook("say_what_next.py", {key: text for key, text in PRINTED.items() if key != missing})

    assert done.returncode == 1
    assert missing in done.stderr
    assert "azd provision" in done.stderr


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed; scripts/package needs it")
@pytest.mark.parametrize(
    ("backend", "host"), [("", "host.json"), ("storage", "host.json"), ("scheduler", "host.dts.json")]
)
def test_package_has_the_host_file_of_the_backend(tmp_path: Path, backend: str, host: str) -> None:
    """The package that azd deploys has the host.json that fits the backend Bicep is told to use."""
    hooks = _hooks_in(tmp_path)

    command = [sys.executable, str(hooks / "stage_package.py")]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, "BATCH_DURABLE_BACKEND": backend}
    )

    staged = tmp_path / CONFIGURATION["services"]["api"]["dist"]
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((staged / "host.json").read_text()) == json.loads((ROOT / host).read_text())
    assert (staged / "function_app.py").is_file()


def _hooks_in(folder: Path) -> Path:
    """A small repository of its own, so that the tree's own dist/ is left alone."""
    for name in ("infra/hooks", "scripts/lib"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("host.json", "host.dts.json", "function_app.py", "requirements.txt", ".funcignore"):
        shutil.copy(ROOT / name, folder / name)
    commands = (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Everything"])
    for command in commands:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
        subprocess.run(["git", *identity, *command], check=True, cwd=folder, capture_output=True)
    return folder / "infra/hooks"


def test_unknown_backend_is_refused() -> None:
    """A backend that does not exist stops the packaging, with the two that do."""
    done = run_hook("stage_package.py", {"BATCH_DURABLE_BACKEND": "schedulr"})

    assert done.returncode == 1
    assert "storage or scheduler" in done.stderr


def test_backends_of_the_hook_are_those_of_bicep() -> None:
    """The hook knows a host file for every backend that main.bicep allows, and these exist."""
    source = (HOOKS / "stage_package.py").read_text()
    known = dict(re.findall(r'"(\w+)": "(host[\w.]*\.json)"', source))
    allowed = read(INFRA / "main.bicep").find("param", "durableBackend").decorators["allowed"]

    assert list(known) == value(allowed.named_children[1].named_children[0])
    assert all((ROOT / name).is_file() for name in known.values())


def test_environment_names_are_documented() -> None:
    """Every name that main.bicepparam reads from azd's environment is in infra/README.md, and no other."""
    read_names = set(re.findall(r"readEnvironmentVariable\('(\w+)'", (INFRA / "main.bicepparam").read_text()))
    table = set(re.findall(r"^\| `((?:AZURE|BATCH)_\w+)` \|", (INFRA / "README.md").read_text(), flags=re.MULTILINE))

    assert table == read_names


def test_readme_names_outputs_that_exist() -> None:
    """What the guide has azd show is put out by main.bicep."""
    shown = set(re.findall(r"azd env get-value (\w+)", (INFRA / "README.md").read_text()))

    assert shown
    assert shown <= OUTPUTS


def test_readme_names_parameters_that_exist() -> None:
    """The table of parameters in the guide is main.bicep's, whole."""
    parameters = {each.name for each in read(INFRA / "main.bicep").of("param")}
    cells = re.findall(r"^\| (`[a-z].*?) \|", (INFRA / "README.md").read_text(), flags=re.MULTILINE)
    table = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]

    assert sorted(table) == sorted(parameters)


def test_examples_are_for_the_switches() -> None:
    """Each switch of main.bicep is on in one of the examples."""
    given = [read(path) for path in (INFRA / "examples").glob("*.bicepparam")]
    on = {each.name for file in given for each in file.of("var")}

    assert {"durableBackend", "privateNetwork", "zoneRedundant", "alertEmails", "budgetAmount"} <= on
    assert {"upstreamKeys", "deployments", "operatorId"} <= on
