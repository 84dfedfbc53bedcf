"""`dbatch watch`: one live line until the batch has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dbatch.batch_words import exit_of, verdict
from dbatch.console import say
from dbatch.exits import DONE, STOPPED, Failure
from dbatch.service import connect
from dbatch.watching import wait

if TYPE_CHECKING:
    from openai import OpenAI


@click.command(short_help="Follow a batch to its end.")
@click.argument("batch_id", metavar="ID")
def watch(batch_id: str) -> None:
    """Show the progress of a batch until it has ended: one live line on a terminal, else a line at each change.

    Exits with 0 only if every request was answered.
    """
    with connect() as client:
        follow(client, batch_id)


def follow(client: OpenAI, batch_id: str) -> None:
    """Returns if every request was answered. Raises click's Exit otherwise, and Failure where it cannot be told."""
    try:
        batch = wait(client, batch_id)
    except KeyboardInterrupt:
        raise Failure("stopped watching.", f"The batch goes on. Again: dbatch watch {batch_id}", code=STOPPED) from None
    say(*verdict(batch))
    if (code := exit_of(batch)) != DONE:
        raise click.exceptions.Exit(code)
