"""`dbatch submit`: a file becomes a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dbatch.console import amount, say
from dbatch.creating import create
from dbatch.options import extras, of_a_new_batch, pairs
from dbatch.request_file import Findings
from dbatch.service import connect
from dbatch.uploading import upload
from dbatch.verbs.check import checked
from dbatch.verbs.watch import follow


@click.command(short_help="Send a file of requests as a batch.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--endpoint", help="Where the requests go. Default: what the first line says.")
@click.option("--window", default="24h", show_default=True, help="How long the batch may take.")
@click.option("--metadata", multiple=True, callback=pairs, metavar="NAME=VALUE", help="May be given several times.")
@of_a_new_batch
@click.option("--no-check", is_flag=True, help="Send the file as it is, without reading it first.")
@click.option("--watch", "watches", is_flag=True, help="Then watch it to its end.")
def submit(
    file: Path,
    *,
    endpoint: str | None,
    window: str,
    metadata: dict[str, str],
    no_check: bool,
    watches: bool,
    **wanted: Any,
) -> None:
    """Check FILE, upload it and create a batch. The batch's id is all that is on standard output."""
    found = Findings() if no_check else checked(file)
    endpoint = endpoint or found.endpoint
    if endpoint is None:
        raise click.UsageError("With --no-check, say where the requests go: --endpoint /v1/chat/completions")
    with connect() as client:
        file_id = upload(client, file)
        batch = create(client, file_id, endpoint=endpoint, window=window, metadata=metadata, **extras(**wanted))
        click.echo(batch["id"])
        what = f" of {amount(found.requests, 'request')}" if found.requests else ""
        say(f"A batch{what} was created.")
        if watches:
            follow(client, batch["id"])
    if not watches:
        say(f"Next: dbatch watch {batch['id']}")
