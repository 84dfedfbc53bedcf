"""`administrators`, `create-administrator`, `revoke-administrator`: keys that open administration and nothing else."""

from __future__ import annotations

import click

from dbatch.administration import administer, all_of
from dbatch.console import say, show
from dbatch.verbs.admin.words import DAY, day, given


@click.command(short_help="List administrators' keys.")
def administrators() -> None:
    """List administrators' keys. The bootstrap key is a setting, and not among them."""
    with administer() as client:
        found = all_of(client.admin.organization.admin_api_keys.list(limit=100))
    rows = [
        (str(each["name"]), each["id"], each["redacted_value"], day(each.get("last_used_at")), day(each["expires_at"]))
        for each in found
    ]
    show(("administrator", "id", "value", "last used", "expires"), rows)


@click.command(short_help="Make an administrator's key; it is shown once.")
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 365), help="Until it expires.  [default: never]")
def create_administrator(*, name: str, days: int | None) -> None:
    """Make an administrator's key, which is all that is on standard output. One for each person: the log has names."""
    with administer() as client:
        life = given(expires_in_seconds=days * DAY if days else None)
        made = client.admin.organization.admin_api_keys.create(name=name, **life)
    click.echo(made.value)
    say(f"That is the administrator's key {made.id}. It is not shown again.")


@click.command(short_help="Delete an administrator's key.")
@click.argument("key", metavar="ID")
def revoke_administrator(*, key: str) -> None:
    """Delete an administrator's key, by its id."""
    with administer() as client:
        client.admin.organization.admin_api_keys.delete(key)
    say(f"The key {key} is deleted. Every instance refuses it within 30 seconds.")
