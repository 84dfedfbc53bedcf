"""How one local host is set up: its options, its key, its stores, the app it runs; in the host and in each worker.

Settings come from the environment, as on the platform; options are the local host's own. Whatever is wrong with
either is raised before anything is served, as an error whose text is meant for a person.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.functions import FunctionRegister

from local_host.app.function_index import FunctionIndex, InvalidApp, index
from local_host.app.host_json import HostSettings, read_host_json
from local_host.durable.history import DataFolderLock
from local_host.stores.private_files import kept_secret
from local_host.stores.stores import open_stores
from shared import services
from shared.environment import parse_settings
from shared.settings import Settings
from shared.upstream.client import UpstreamClient
from shared.webhook_sender import HttpWebhookSender

if TYPE_CHECKING:
    pass

AZURITE = "UseDevelopmentStorage=true"
BOOTSTRAP = "local_host.app.configuration:worker_bootstrap"
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says. `azurite` is a connection string; without it the stores are in `data`."""

    host: str
    port: int
    data: Path
    workers: int
    azurite: str | None
    app: str
    grace: float
    spare: bool


def parse_options(arguments: Sequence[str]) -> Options:
    """Exits with code 2 and a usage line on a mistake, 0 on --help."""
    parser = argparse.ArgumentParser(
        prog="python -m local_host",
        description="Run the whole service on this machine. Settings (BATCH_…) come from the environment.",
    )
    parser.add_argument("--port", type=_port, default=7071, help="0 picks a free one (default 7071)")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1, this machine only)"
    )
    parser.add_argument("--data", type=Path, default=Path(".data"), metavar="DIR", help="data folder (default .data)")
    parser.add_argument(
        "--workers", type=_count, default=os.cpu_count() or 1, metavar="N", help="processes (default one per core)"
    )
    parser.add_argument(
        "--azurite",
        nargs="?",
        const=AZURITE,
        metavar="CONNECTION",
        help=f"keep files and batches in Azurite instead of the data folder (default connection: {AZURITE})",
    )
    parser.add_argument(
        "--app", default="function_app", metavar="MODULE", help="the app's module (default function_app)"
    )
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="how long requests in flight may take after Ctrl-C or SIGTERM (default 30)",
    )
    parser.add_argument(
        "--spare",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep one more process ready, which takes over at once when a worker dies (some 60 MB)",
    )
    return Options(**vars(parser.parse_args(arguments)))


def _port(text: str) -> int:
    if not (text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; expected 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    if not (text.replace(".", "", 1).isdigit() and float(text) <= 86_400):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; expected 0 to 86400 seconds")
    return float(text)


def _count(text: str) -> int:
    if not (text.isdigit() and 0 < int(text) <= 256):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes; expected 1 to 256")
    return int(text)


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
    )
    services.install(installed)

    async def close() -> None:
        await upstream.close()
        await stores.close()

    return installed, close


def worker_environment(options: Options, key: str, client_binding: str, slots: int) -> dict[str, str]:
    """What a worker process needs to become a copy of this host's app.

    Half of the host's activity `slots` are for lanes, unless it is set otherwise; the workers share them.
    """
    lanes = str(max(1, slots // 2 // options.workers))
    environment = {
        "BATCH_LANES_PER_PROCESS": os.environ.get("BATCH_LANES_PER_PROCESS") or lanes,
        "BATCH_BOOTSTRAP_KEY": key,
        "LOCAL_HOST_CLIENT": client_binding,
        "LOCAL_HOST_APP": options.app,
        "LOCAL_HOST_DATA": str(options.data),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),
    }
    return environment | ({"LOCAL_HOST_AZURITE": options.azurite} if options.azurite else {})


def worker_bootstrap() -> Mapping[str, Callable[..., Any]]:
    """The activities of this worker process, its services installed."""
    configure_logging()
    settings = parse_settings(os.environ)
    install_services(settings, Path(os.environ["LOCAL_HOST_DATA"]), os.environ.get("LOCAL_HOST_AZURITE"))
    client_binding = os.environ["LOCAL_HOST_CLIENT"]
    activities = load_app(os.environ["LOCAL_HOST_APP"]).index.activities
    return {name: activity.with_client(client_binding) for name, activity in activities.items()}


_ABOUT = (
    "action",
    "function",
    "batch_id",
    "from",
    "to",
    "count",
    "seconds",
    "reason",
    "request_id",
    "webhook_endpoint_id",
)


class _Format(logging.Formatter):
    """A fixed sentence, then what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        about = "".join(f" {name}={getattr(record, name)}" for name in _ABOUT if hasattr(record, name))
        return super().format(record) + about


def configure_logging() -> None:
    """Our own log from INFO, libraries' from WARNING, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Format("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("local_host", "api", "activities", "orchestrators", "timers", "shared"):
        logging.getLogger(name).setLevel(logging.INFO)
