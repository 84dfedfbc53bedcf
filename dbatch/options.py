"""Options that several verbs have."""

from __future__ import annotations

import click

PRIORITIES = ("low", "normal", "high")


def pairs(_: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """`name=value`, several times."""
    found = dict(each.partition("=")[::2] for each in given)
    if any("=" not in each for each in given) or "" in found:
        raise click.BadParameter("write it as NAME=VALUE, such as team=red", param=parameter)
    return found
