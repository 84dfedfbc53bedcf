"""compose.yaml: what it names is there, and fits the image and the files beside it."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import yaml

from shared.environment import parse_settings
from tests.architecture.product import ROOT
from tests.container.image_tree import entry_point, instructions

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICE = COMPOSE["services"]["batch"]


def test_the_port_is_open_to_this_machine_only() -> None:
    """And is the one that the image listens on."""
    port = entry_point()[entry_point().index("--port") + 1]

    assert SERVICE["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert instructions("EXPOSE") == [port]


def test_the_volumes_are_declared() -> None:
    """The service's is where the image keeps its data, all else of it is read-only."""
    used = {mount.partition(":")[0] for each in COMPOSE["services"].values() for mount in each.get("volumes", [])}

    assert SERVICE["volumes"] == [f"data:{instructions('VOLUME')[0]}"]
    assert used == set(COMPOSE["volumes"])
    assert SERVICE["read_only"] is True


def test_every_image_of_others_has_a_version() -> None:
    """No `latest`: what worked yesterday works today."""
    images = {each["image"] for name, each in COMPOSE["services"].items() if name != "batch"}

    assert [image for image in images if not re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", image)] == []


def test_the_deployments_lead_to_the_models_beside_it() -> None:
    """The file is mounted where the setting says, and its addresses are names of services, under their profiles."""
    (config,) = SERVICE["configs"]
    default = re.fullmatch(r"\$\{DEPLOYMENTS:-(.+)\}", COMPOSE["configs"][config["source"]]["file"])
    assert default is not None
    deployments = parse_settings({"BATCH_DEPLOYMENTS_FILE": str(ROOT / default[1])}).deployments
    hosts = [re.findall(r"//([\w-]+):", each.base_url)[0] for each in deployments.values()]

    assert SERVICE["environment"]["BATCH_DEPLOYMENTS_FILE"] == config["target"]
    assert [COMPOSE["services"][host]["profiles"] for host in hosts] == [[host] for host in hosts]


def test_the_keys_of_all_examples_are_handed_on() -> None:
    """Whoever names another file of the examples finds its key in the container."""
    files = (ROOT / "examples/deployments").glob("*.toml")
    named = {each.get("api_key_env") for file in files for each in tomllib.loads(file.read_text()).values()} - {None}

    assert named <= set(SERVICE["environment"])


def test_a_stop_waits_longer_than_the_service() -> None:
    """Requests in flight get `--grace`, 30 seconds unless set."""
    assert int(SERVICE["stop_grace_period"].removesuffix("s")) > 30 + 10
