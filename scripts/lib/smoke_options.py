"""The command line of `scripts/smoke`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import smoke_logs

DESCRIPTION = """Try a deployed service from outside: files up and down, a small batch in each dialect, cancel; and,
where told how, webhooks, a small batch beside a large one, and what the workspace says. What was made is deleted."""


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/smoke", description=DESCRIPTION)
    parser.add_argument("url", metavar="URL", type=_url, help="of the service, such as https://NAME.azurewebsites.net")
    parser.add_argument("key", metavar="KEY", help="an API key of it; it is not printed")
    parser.add_argument("--deployment", metavar="NAME", help="what answers chat completions (default: the first)")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=300.0, help="longest wait for the batches (default 300)"
    )
    beside = parser.add_argument_group("a small batch beside a large one")
    beside.add_argument("--model", metavar="NAME", help="the deployment that answers both; its lines cost money")
    beside.add_argument("--lines", type=_count, default=500, help="of the large one, at most 5000 (default 500)")
    webhook = parser.add_argument_group("webhooks")
    webhook.add_argument("--webhook", metavar="URL", help="an address that the service can reach and that answers 2xx")
    webhook.add_argument("--webhook-port", metavar="PORT", type=int, help="this program receives there what comes")
    logs = parser.add_argument_group("the workspace: do the alerts' queries compile, is it quiet while idle")
    logs.add_argument("--workspace", metavar="ID", help="its customer id; needs `az`, signed in")
    logs.add_argument("--log-api", metavar="URL", default=smoke_logs.API, help="of another cloud (default %(default)s)")
    chosen = parser.parse_args(arguments)
    if chosen.webhook_port is not None and not chosen.webhook:
        parser.error("--webhook-port needs --webhook URL: the address under which the service reaches that port")
    return chosen


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} does not begin with https:// or http://")
    return text.rstrip("/").removesuffix("/v1")


def _count(text: str) -> int:
    if not text.isdecimal() or not 10 <= int(text) <= 5000:
        raise argparse.ArgumentTypeError("take 10 to 5000: each line is a request that the model answers")
    return int(text)
