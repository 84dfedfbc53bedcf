"""Options that several verbs have, and what they send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

PRIORITIES = ("low", "normal", "high")
_ORDERS = {"true": True, "neighbours": "neighbours", "false": False}
_SECRET = "DBATCH_CALLBACK_SECRET"  # noqa: S105 - the name of a variable
_EXTENSION = "An extension of Durable Batch."


def pairs(_: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """`name=value`, several times."""
    found = dict(each.partition("=")[::2] for each in given)
    if any("=" not in each for each in given) or "" in found:
        raise click.BadParameter("write it as NAME=VALUE, such as team=red", param=parameter)
    return found


def of_a_new_batch(command: Callable[..., None]) -> Callable[..., None]:
    """What only Durable Batch knows of a new batch. Each arrives under its name in the create call."""
    for option in (
        click.option("--callback-secret", envvar=_SECRET, metavar="SECRET", help=f"Signs that call; or set {_SECRET}."),
        click.option("--callback-url", metavar="URL", help=f"Called when the batch has ended. {_EXTENSION}"),
        click.option(
            "--leaders-first",
            type=click.Choice(tuple(_ORDERS)),
            help=f"In an order that prompt caches like (as usual), about as in the file, or just so. {_EXTENSION}",
        ),
        click.option("--priority", type=click.Choice(PRIORITIES), help=f"Among your batches. {_EXTENSION}"),
    ):
        command = option(command)
    return command


def extras(
    *,
    priority: str | None,
    leaders_first: str | None,
    callback_url: str | None,
    callback_secret: str | None,
    **_: Any,
) -> dict[str, Any]:
    """Of these, those that were asked for: what was not is never sent."""
    if callback_url is None:
        callback_secret = None  # It may stand in the environment for other batches.
    wanted = {
        "priority": priority,
        "leaders_first": _ORDERS.get(leaders_first or ""),
        "callback_url": callback_url,
        "callback_secret": callback_secret,
    }
    return {name: value for name, value in wanted.items() if value is not None}
