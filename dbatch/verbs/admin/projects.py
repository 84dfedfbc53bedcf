"""`projects`, `create-project`, `change-project`, `archive`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dbatch.administration import administer, all_of, project_of
from dbatch.console import say, show
from dbatch.groups import this_program
from dbatch.options import pairs
from dbatch.verbs.admin.limits import found_limit
from dbatch.verbs.admin.words import PROJECT, given, listed, words_of

if TYPE_CHECKING:
    from openai import OpenAI

_MOST = ("files", "stored_bytes", "requests_per_file", "active_batches")
_weight = click.option("--weight", type=int, help="Its parts of a deployment where others have one.  [default: 1]")
_labels = click.option("--label", "labels", multiple=True, callback=pairs, metavar="NAME=VALUE", help="Several times.")


@click.command(short_help="List projects, with their limits.")
def projects() -> None:
    """List all projects, with what they may spend."""
    with administer() as client:
        found = all_of(client.admin.organization.projects.list(limit=100, include_archived=True))
        rows = [
            (each["name"], each["id"], each["status"], str(each.get("weight", "")), words_of(found_limit(client, each)))
            for each in found
        ]
    show(("project", "id", "status", "weight", "may spend"), rows)


@click.command(short_help="Make a project.")
@click.argument("name")
@_weight
@_labels
def create_project(*, name: str, weight: int | None, labels: dict[str, str]) -> None:
    """Make a project, which owns files, batches and keys that no other project sees."""
    with administer() as client:
        extras = given(weight=weight, labels=labels)
        made = client.admin.organization.projects.create(name=name, extra_body=extras or None)
    click.echo(made.id)
    say(f"Project {made.name} is {made.id}.", f'Next: {this_program()} create-key "{made.name}" NAME')


@click.command(short_help="Change a project's name, weight, labels, models, limits.")
@PROJECT
@click.option("--name", help="Its new name.")
@_weight
@_labels
@click.option("--models", callback=listed, help="All that it may use, comma-separated; or: all.")
@click.option("--most", multiple=True, callback=pairs, metavar="NAME=COUNT", help=f"{', '.join(_MOST)}; all together.")
def change_project(
    *, project: str, models: list[str] | None, most: dict[str, str], name: str | None, **changed: Any
) -> None:
    """Change what is given. Labels and --most replace those that were there."""
    extras = given(**changed, limits=_counted(most))
    if not (extras or name or models is not None):
        raise click.UsageError("Say what to change.")
    with administer() as client:
        found = project_of(client, project)
        if extras or name:
            client.admin.organization.projects.update(found["id"], **given(name=name), extra_body=extras or None)
        if models is not None:
            _allow(client, found["id"], models)
    say(f"Project {name or found['name']} is changed.")


def _counted(most: dict[str, str]) -> dict[str, int]:
    for name, count in most.items():
        if name not in _MOST or not count.isdecimal():
            raise click.UsageError(f"--most {name}={count}: write one of {', '.join(_MOST)}, and a whole number.")
    return {name: int(count) for name, count in most.items()}


def _allow(client: OpenAI, project_id: str, models: list[str]) -> None:
    permissions = client.admin.organization.projects.model_permissions
    if models == ["all"]:
        permissions.delete(project_id)
    else:
        permissions.update(project_id, mode="allow_list", model_ids=models)


@click.command(short_help="Close a project; nothing is deleted.")
@PROJECT
def archive(*, project: str) -> None:
    """Close a project: its keys open nothing any more. Nothing is deleted, and it cannot be undone."""
    with administer() as client:
        found = project_of(client, project)
        client.admin.organization.projects.archive(found["id"])
    say(f"Project {found['name']} is archived. Its keys open nothing any more; batches that run go on.")
