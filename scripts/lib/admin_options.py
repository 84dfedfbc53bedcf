"""The command line of `scripts/admin`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

DESCRIPTION = (
    """Administer a service through its own API, whatever it keeps its records in. PROJECT is a name or an id."""
)
PRIORITIES = ("low", "normal", "high")
INTERVALS = ("day", "week", "month", "total")
LOCAL = "http://127.0.0.1:7071"


def options(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/admin", description=DESCRIPTION)
    url = environment.get("OPENAI_BASE_URL") or LOCAL
    parser.add_argument(
        "--url", type=_url, default=_url(url), help="of the service (default OPENAI_BASE_URL, or %(default)s)"
    )
    parser.add_argument("--key", help="an administrator's key (default OPENAI_ADMIN_KEY, or what the local host keeps)")
    parser.add_argument("--data", default=".data", help="the local host's data folder (default %(default)s)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("projects", help="all projects, with their limits")
    make = _of_project(commands, "create-project", "a new project; PROJECT is its name")
    make.add_argument("--weight", type=int, help="its parts of a deployment where others have one (default 1)")
    _labels(make)
    _of_project(commands, "archive", "its keys open nothing any more; nothing is deleted")
    _of_project(commands, "keys", "the keys of a project")
    key = _of_project(commands, "create-key", "a key of a new service account; it is shown once")
    key.add_argument("name", metavar="NAME", help="of the account and its key")
    key.add_argument("--scopes", type=_list, help="comma-separated, such as files:read,batches:write (default: all)")
    key.add_argument("--models", type=_list, help="comma-separated names of deployments (default: all of the project)")
    key.add_argument("--max-priority", choices=PRIORITIES, help="of its batches (default: high)")
    key.add_argument("--days", type=int, help="until it expires (default: never)")
    key.add_argument("--limit", nargs=3, metavar=("AMOUNT", "CURRENCY", "INTERVAL"), help="such as 25 USD month")
    _labels(key)
    revoke = _of_project(commands, "revoke", "delete a key")
    revoke.add_argument("id", metavar="KEY", help="its id, as `keys` shows it")
    limit = _of_project(commands, "limit", "what the project may spend: show it, set it, or take it away")
    _limit(limit)
    _limit(commands.add_parser("organization-limit", help="the same of all projects together"))
    usage = commands.add_parser("usage", help="tokens and costs")
    usage.add_argument("--days", type=int, default=30, help="so many days back, today included (default 30)")
    usage.add_argument("--by", choices=("project", "model", "key"), default="project", help="default %(default)s")
    log = commands.add_parser("log", help="what administrators did, newest first")
    log.add_argument("--last", type=int, default=20, help="so many entries, at most 100 (default 20)")
    chosen = parser.parse_args(arguments)
    try:
        chosen.limit = limit_of(chosen.limit) if getattr(chosen, "limit", None) else None
    except ValueError as error:
        parser.error(str(error))
    return chosen


def limit_of(words: Sequence[str]) -> dict[str, object] | str:
    """The fields of a spend limit, or "none". Raises ValueError."""
    if list(words) == ["none"]:
        return "none"
    if len(words) != 3:
        raise ValueError("a limit is AMOUNT CURRENCY INTERVAL, such as 250 USD month; or none")
    amount, currency, interval = words
    try:
        cents = Decimal(amount) * 100
    except InvalidOperation:
        raise ValueError(f"{amount!r} is no amount; write it as 250 or 99.50") from None
    if not cents.is_finite() or cents != cents.to_integral_value() or cents < 0:
        raise ValueError(f"{amount!r} is no amount of whole cents")
    if interval not in INTERVALS:
        raise ValueError(f"{interval!r} is none of {', '.join(INTERVALS)}")
    return {"currency": currency.upper(), "interval": interval, "threshold_amount": int(cents)}


def _of_project(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=what)
    parser.add_argument("project", metavar="PROJECT")
    return parser


def _limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stops", action="store_true", help="batches that run stop too, when it is reached")
    parser.add_argument(
        "limit", nargs="*", metavar="LIMIT", help="AMOUNT CURRENCY INTERVAL, such as 250 USD month; or none"
    )


def _labels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--label", action="append", type=_label, metavar="NAME=VALUE", help="may be given several times"
    )


def _label(text: str) -> tuple[str, str]:
    name, is_there, value = text.partition("=")
    if not is_there or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _list(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} does not begin with https:// or http://")
    return text.rstrip("/").removesuffix("/v1")
