"""`keys`, `create-key`, `rotate-key`, `revoke`: keys of a project, each of a service account."""

from __future__ import annotations

from typing import Any

import click

from dbatch.administration import administer, all_of, key_of, project_of
from dbatch.console import say, show
from dbatch.groups import this_program
from dbatch.options import PRIORITIES, pairs
from dbatch.verbs.admin.words import DAY, PROJECT, day, given, limit_of, listed, words_of

_KEPT = ("models", "max_priority", "labels", "spend_limit")  # What a key may do, beside its scopes.
_key = click.argument("key", metavar="KEY")
_HEADS = ("key", "id", "value", "scopes", "models", "priority", "may spend", "last used", "expires")


@click.command(short_help="List the keys of a project.")
@PROJECT
def keys(*, project: str) -> None:
    """List the keys of a project. Nobody can see their values any more."""
    with administer() as client:
        found = all_of(client.admin.organization.projects.api_keys.list(project_of(client, project)["id"], limit=100))
    show(_HEADS, [_row(each) for each in found])


def _row(key: dict[str, Any]) -> tuple[str, ...]:
    lists = (", ".join(key.get(name) or ()) or "all" for name in ("scopes", "models"))
    spends = words_of(key.get("spend_limit"))
    used, ends = day(key.get("last_used_at")), day(key.get("expires_at"))
    return key["name"], key["id"], key["redacted_value"], *lists, str(key.get("max_priority", "")), spends, used, ends


@click.command(short_help="Make a key; it is shown once.")
@PROJECT
@click.argument("name")
@click.option("--scopes", callback=listed, help="Comma-separated, such as files:read,batches:write.  [default: all]")
@click.option("--models", callback=listed, help="Comma-separated.  [default: all of the project]")
@click.option("--max-priority", type=click.Choice(PRIORITIES), help="Of its batches.  [default: high]")
@click.option("--days", type=click.IntRange(1, 365), help="Until it expires.  [default: never]")
@click.option("--limit", nargs=3, metavar="AMOUNT CURRENCY INTERVAL", help="What it may spend: 25 USD month.")
@click.option("--label", "labels", multiple=True, callback=pairs, metavar="NAME=VALUE", help="Several times.")
def create_key(*, project: str, name: str, days: int | None, limit: tuple[str, ...] | None, **wanted: Any) -> None:
    """Make a service account NAME in a project, and its first key, which is all that is on standard output."""
    fields = given(**wanted, spend_limit=limit_of(limit) if limit else None)
    with administer() as client:
        found = project_of(client, project)
        made = client.admin.organization.projects.service_accounts.create(
            found["id"], name=name, **_ending(days), extra_body=fields or None
        )
    if made.api_key is None:
        raise ValueError(f"the account {made.id} has no key")
    click.echo(made.api_key.value)
    say(f"That is the key {made.api_key.id} of {found['name']}. It is not shown again.")


@click.command(short_help="Make another key like one that is there.")
@PROJECT
@_key
@click.option("--name", help="Of the new key.  [default: that of the first]")
@click.option(
    "--days", type=click.IntRange(1, 365), help="Until it expires.  [default: as long as the first was given]"
)
def rotate_key(*, project: str, key: str, name: str | None, days: int | None) -> None:
    """Make a second key of the same account, which may do the same; alone on standard output.

    The first one goes on until it is revoked, so nothing stands still in between.
    """
    with administer() as client:
        found = project_of(client, project)
        first = key_of(client, found, key)
        life = first["expires_at"] - first["created_at"] if first.get("expires_at") else None
        made = client.admin.organization.projects.service_accounts.api_keys.create(
            first["owner"]["service_account"]["id"],
            project_id=found["id"],
            name=name or first["name"],
            **given(scopes=first.get("scopes")),
            **(_ending(days) if days or not life else {"expires_in_seconds": life}),
            extra_body=given(**{each: first.get(each) for each in _KEPT}) or None,
        )
    click.echo(made.value)
    revoke = f'{this_program()} revoke "{found["name"]}" {first["id"]}'
    say(
        f"That is the key {made.id}, beside {first['id']}, which still works. It is not shown again.",
        f"Once nothing uses the first any more: {revoke}",
    )


def _ending(days: int | None) -> dict[str, Any]:
    return {"expires_in_seconds": days * DAY} if days else {}


@click.command(short_help="Delete a key.")
@PROJECT
@_key
def revoke(*, project: str, key: str) -> None:
    """Delete a key. What it has begun goes on."""
    with administer() as client:
        found = project_of(client, project)
        gone = key_of(client, found, key)["id"]
        client.admin.organization.projects.api_keys.delete(gone, project_id=found["id"])
    say(f"The key {gone} is deleted. Every instance refuses it within 30 seconds.")
