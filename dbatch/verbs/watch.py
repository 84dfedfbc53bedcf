"""`dbatch watch`: one live line until the batches have ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dbatch.batch_words import exit_of, verdict
from dbatch.console import say
from dbatch.exits import DONE, STOPPED, Failure
from dbatch.service import connect
from dbatch.watching import Watch

if TYPE_CHECKING:
    from openai import OpenAI


@click.command(short_help="Follow batches to their end.")
@click.argument("batch_ids", metavar="ID...", nargs=-1, required=True)
def watch(batch_ids: Sequence[str]) -> None:
    """Show the progress of a batch until it has ended: one live line on a terminal, else a line at each change.

    Several batches are shown as one, each with its end. Exits with 0 only if every request was answered.
    """
    with connect() as client:
        follow(client, *batch_ids)


def follow(client: OpenAI, *batch_ids: str) -> None:
    """Returns if every request was answered. Raises click's Exit otherwise, and Failure where it cannot be told."""
    watched = Watch(client)
    for batch_id in dict.fromkeys(batch_ids):
        watched.add(batch_id)
    ended = []
    try:
        for _ in dict.fromkeys(batch_ids):
            ended.append(watched.next_ended())
            say(*verdict(ended[-1]))
    except KeyboardInterrupt:
        again = f"dbatch watch {' '.join(batch_ids)}"
        raise Failure("stopped watching.", f"What runs goes on. Again: {again}", code=STOPPED) from None
    if (code := max(map(exit_of, ended))) != DONE:
        raise click.exceptions.Exit(code)
