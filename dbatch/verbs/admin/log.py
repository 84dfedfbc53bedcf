"""`log`: what administrators did."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import click

from dbatch.administration import administer, project_of
from dbatch.console import say, show


@click.command(short_help="Show the audit log: what administrators did.")
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="So many entries.")
@click.option("--project", help="Only of this one.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only such, as api_key.created. Several times.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with all that was changed.")
def log(*, last: int, project: str | None, types: tuple[str, ...], as_json: bool) -> None:
    """Show the audit log, the newest first: what administrators did. No secret is in it."""
    with administer() as client:
        wanted: dict[str, Any] = {"event_types": list(types)} if types else {}
        if project:
            wanted["project_ids"] = [project_of(client, project)["id"]]
        listed = client.admin.organization.audit_logs.list(limit=min(last, 100), **wanted)
        entries = [each.to_dict() for each in itertools.islice(listed, last)]
    if as_json:
        for entry in entries:
            click.echo(json.dumps(entry))
    elif entries:
        show(("when (UTC)", "what", "who", "project", "id"), [_row(entry) for entry in entries])
    else:
        say("There is nothing.")


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    when = datetime.fromtimestamp(entry["effective_at"], UTC).strftime("%Y-%m-%d %H:%M:%S")
    what = entry["type"]
    project = (entry.get("project") or {}).get("name") or ""
    return when, what, str(entry["actor"].get("name", "")), project, str((entry.get(what) or {}).get("id", ""))
