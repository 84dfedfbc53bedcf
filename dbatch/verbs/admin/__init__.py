"""`dbatch admin`: projects, keys, spend limits and alerts, usage and the audit log of a service."""

from __future__ import annotations

from pathlib import Path

import click

from dbatch.administration import Door
from dbatch.groups import Verbs
from dbatch.verbs.admin import administrators, alerts, keys, limits, log, projects
from dbatch.verbs.usage import usage


@click.group(
    cls=Verbs,
    short_help="Administer projects, keys and spend limits.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--url", metavar="URL", help="Of the service.  [default: OPENAI_BASE_URL]")
@click.option("--key", help="An administrator's.  [default: OPENAI_ADMIN_KEY, then OPENAI_API_KEY]")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The local host's data folder: the key kept in it and port 7071 of this machine, where no other are given.",
)
@click.pass_context
def admin(ctx: click.Context, *, url: str | None, key: str | None, data: Path | None) -> None:
    """Administer a service through its public API. All that is done here is in its audit log.

    PROJECT and KEY are an id, or a name if only one has it.
    """
    ctx.obj = Door(url, key, data)


for verb in (
    *(projects.projects, projects.create_project, projects.change_project, projects.archive),
    *(keys.keys, keys.create_key, keys.rotate_key, keys.revoke),
    *(limits.limit, limits.organization_limit),
    *(alerts.alerts, alerts.alert, alerts.organization_alert, alerts.delete_alert),
    *(administrators.administrators, administrators.create_administrator, administrators.revoke_administrator),
    *(usage, log.log),
):
    admin.add_command(verb)
