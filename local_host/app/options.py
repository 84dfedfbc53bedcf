"""The options of the local host. The standard library only, so that `scripts/serve --help` needs no installation."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

AZURITE = "UseDevelopmentStorage=true"
_EPILOG = """With --func the function app runs in Azure's own host instead, by Azure Functions Core Tools, on
Azurite; it takes --port, --data and --deployments. Every setting (BATCH_...) is in docs/settings.md;
deployments to copy are in examples/deployments."""


class LogForm(StrEnum):
    """For whom standard error is: a person, or a program."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says. `azurite` is a connection string; without it the stores are in `data`."""

    host: str
    port: int
    data: Path
    deployments: Path | None
    log: LogForm
    workers: int
    azurite: str | None
    app: str
    grace: float
    spare: bool


def with_deployments(file: Path | None, environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` with the deployments of `file` alone, if there is one."""
    if file is None:
        return dict(environment)
    others = {name: value for name, value in environment.items() if name != "BATCH_DEPLOYMENTS"}
    return others | {"BATCH_DEPLOYMENTS_FILE": str(file.absolute())}


def parse_options(arguments: Sequence[str]) -> Options:
    """Exits with code 2 and a usage line on a mistake, 0 on --help."""
    parser = argparse.ArgumentParser(
        prog="scripts/serve",
        description="Run the whole service on this machine. Settings (BATCH_...) come from the environment.",
        epilog=_EPILOG,
    )
    add_common_options(parser)
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1, this machine only)"
    )
    parser.add_argument(
        "--log",
        type=LogForm,
        choices=list(LogForm),
        default=LogForm.TEXT,
        help="lines for a person, or an object of JSON a line for a program (default text)",
    )
    parser.add_argument(
        "--workers", type=_count, default=os.cpu_count() or 1, metavar="N", help="processes (default one per core)"
    )
    parser.add_argument(
        "--azurite",
        nargs="?",
        const=AZURITE,
        metavar="CONNECTION",
        help="keep files and batches in Azurite, the storage emulator, which scripts/serve starts",
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


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Those that every host of the service has."""
    parser.add_argument("--port", type=_port, default=7071, help="0 picks a free one (default 7071)")
    parser.add_argument("--data", type=Path, default=Path(".data"), metavar="DIR", help="data folder (default .data)")
    parser.add_argument(
        "--deployments",
        type=Path,
        metavar="FILE",
        help="which models there are: a .toml or .json file, in place of BATCH_DEPLOYMENTS (see examples/deployments)",
    )


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


if __name__ == "__main__":
    parse_options(sys.argv[1:])
