"""How one local host is set up: its key, its stores, the app it runs; in the host and in each worker.

Settings come from the environment, as on the platform; options are the local host's own. Whatever is wrong with
either is raised before anything is served, as an error whose text is meant for a person.
"""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.functions import FunctionRegister

from local_host.app.function_index import FunctionIndex, InvalidApp, index
from local_host.app.host_json import HostSettings, read_host_json
from local_host.app.log_lines import configure_logging
from local_host.app.options import LogForm, Options
from local_host.durable.history import DataFolderLock
from local_host.stores.private_files import kept_secret
from local_host.stores.stores import open_stores
from shared import services
from shared.environment import parse_settings
from shared.settings import Settings
from shared.upstream.client import UpstreamClient
from shared.webhook_sender import HttpWebhookSender

BOOTSTRAP = "local_host.app.configuration:worker_bootstrap"
_ROOT = Path(__file__).resolve().parents[2]


class DataFolderUnusable(Exception):
    """The data folder cannot be made or written to."""


def take_data_folder(data: Path) -> DataFolderLock:
    """Make the folder if needed and hold it. Raises DataFolderUnusable, DataFolderInUse."""
    try:
        return DataFolderLock(data)
    except OSError as error:
        raise DataFolderUnusable(
            f"The data folder {data} cannot be used ({error.strerror}): choose another with --data."
        ) from error


def bootstrap_key(data: Path, environment: Mapping[str, str]) -> str:
    """BATCH_BOOTSTRAP_KEY, else the key made at the first start and kept in `data/bootstrap-key` (mode 0600)."""
    if configured := environment.get("BATCH_BOOTSTRAP_KEY", "").strip():
        return configured
    return kept_secret(data / "bootstrap-key", lambda: "db_" + secrets.token_urlsafe(32))


def key_peppers(data: Path, environment: Mapping[str, str]) -> str:
    """BATCH_KEY_PEPPERS, else what was made at the first start and kept in `data/key-pepper` (mode 0600)."""
    if configured := environment.get("BATCH_KEY_PEPPERS", "").strip():
        return configured
    return kept_secret(data / "key-pepper", lambda: "1:" + secrets.token_hex(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app as indexed, and what its host.json says."""

    index: FunctionIndex
    host: HostSettings


def load_app(name: str) -> App:
    """Import the module and index its app. Raises InvalidApp or NotEmulated."""
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise  # The app is there and imports what is not.
        raise InvalidApp(f"There is no module {name}: name the app's module with --app.") from error
    # The real worker's rule: exactly one object of the module is an app.
    apps: list[Any] = list({id(value): value for value in vars(module).values() if _is_app(value)}.values())
    if len(apps) != 1:
        raise InvalidApp(f"{name} must hold exactly one FunctionApp or DFApp; found {len(apps)}.")
    host_json = Path(str(module.__file__)).parent / "host.json"
    return App(index=index(apps[0]), host=read_host_json(host_json, os.environ))


def _is_app(value: object) -> bool:
    return isinstance(value, FunctionRegister)


def install_services(
    settings: Settings, data: Path, azurite: str | None
) -> tuple[services.Services, Callable[[], Awaitable[None]]]:
    """Make `shared.services` answer with local stores, or Azurite's; the second result closes them."""
    upstream = UpstreamClient(max_response_bytes=settings.max_response_bytes)
    if azurite:
        # Late: the Azure SDK costs every process half a second, and only this option needs it.
        from shared.azure.connect import azure_stores_from_connection_string

        stores = azure_stores_from_connection_string(azurite)
    else:
        stores = open_stores(data)
    installed = services.Services(
        settings=settings,
        stores=stores,
        upstream=upstream,
        webhook_sender=HttpWebhookSender(
            timeout_seconds=settings.webhook_timeout_seconds, allow_private=settings.webhook_allow_private
        ),
        tokens=services.token_verifier(settings),
    )
    services.install(installed)

    async def close() -> None:
        await upstream.close()
        await stores.close()

    return installed, close


def worker_environment(options: Options, settings: Settings, client_binding: str, slots: int) -> dict[str, str]:
    """What a worker process needs to become a copy of this host's app, with the deployments that it began with.

    Half of the host's activity `slots` are for lanes, unless it is set otherwise; the workers share them.
    """
    lanes = str(max(1, slots // 2 // options.workers))
    environment = {
        "BATCH_LANES_PER_PROCESS": os.environ.get("BATCH_LANES_PER_PROCESS") or lanes,
        "BATCH_BOOTSTRAP_KEY": settings.bootstrap_key,
        "BATCH_DEPLOYMENTS": settings.deployments_json,
        "BATCH_DEPLOYMENTS_FILE": "",
        "LOCAL_HOST_CLIENT": client_binding,
        "LOCAL_HOST_APP": options.app,
        "LOCAL_HOST_DATA": str(options.data),
        "LOCAL_HOST_LOG": options.log,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),
    }
    return environment | ({"LOCAL_HOST_AZURITE": options.azurite} if options.azurite else {})


def worker_bootstrap() -> Mapping[str, Callable[..., Any]]:
    """The activities of this worker process, its services installed."""
    configure_logging(LogForm(os.environ["LOCAL_HOST_LOG"]))
    settings = parse_settings(os.environ)
    install_services(settings, Path(os.environ["LOCAL_HOST_DATA"]), os.environ.get("LOCAL_HOST_AZURITE"))
    client_binding = os.environ["LOCAL_HOST_CLIENT"]
    activities = load_app(os.environ["LOCAL_HOST_APP"]).index.activities
    return {name: activity.with_client(client_binding) for name, activity in activities.items()}
