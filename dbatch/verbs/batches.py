"""`dbatch list`, `retry`, `pause`, `resume`, `cancel`: what can be done with batches that are there."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from dbatch.batch_words import ENDED, counts, state
from dbatch.console import amount, moment, say, show
from dbatch.exits import Failure
from dbatch.options import pairs
from dbatch.service import connect, extension
from dbatch.verbs.watch import follow

if TYPE_CHECKING:
    from openai import OpenAI

STATES = ("validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled")
_identifier = click.argument("batch_id", metavar="ID")


@click.command("list", short_help="List batches, the newest first.")
@click.option("--status", type=click.Choice(STATES), help="Only batches in this state.")
@click.option("--metadata", multiple=True, callback=pairs, metavar="NAME=VALUE", help="Only batches with this pair.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, as the service has them.")
def list_batches(*, status: str | None, metadata: dict[str, str], limit: int, as_json: bool) -> None:
    """List batches, the newest first."""
    with connect() as client:
        found = list(itertools.islice(_fitting(client, status, metadata), limit))
    if as_json:
        for batch in found:
            click.echo(json.dumps(batch))
    elif found:
        show(
            ("id", "created", "state", "requests", "failed", "model"), [_row(batch) for batch in found], right=_NUMBERS
        )
    else:
        say("There are none." if status or metadata else "There are no batches yet. Next: dbatch submit FILE")


_NUMBERS = ("requests", "failed")


def _fitting(client: OpenAI, status: str | None, metadata: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Chosen here, because OpenAI's list has no filters."""
    for batch in client.batches.list(limit=100):
        found = batch.to_dict()
        kept: Mapping[str, Any] = found.get("metadata") or {}  # type: ignore[assignment]
        if status in (None, found["status"]) and metadata.items() <= kept.items():
            yield found


def _row(batch: Mapping[str, Any]) -> tuple[str, ...]:
    _, failed, total = counts(batch)
    made = moment(batch["created_at"])
    return batch["id"], made, state(batch), f"{total:,}", f"{failed:,}", str(batch.get("model") or "")


@click.command(short_help="Run again only what failed.")
@_identifier
@click.option("--code", "codes", multiple=True, help="Only what failed with this code, as `watch` shows it; several.")
@click.option("--watch", "watches", is_flag=True, help="Then watch it to its end.")
def retry(batch_id: str, *, codes: Sequence[str], watches: bool) -> None:
    """Make a new batch of those requests that failed or never ran. Its id is all that is on standard output."""
    with connect() as client:
        _retrieve(client, batch_id)
        again = f"Submit those lines of its input again whose custom_id is in `dbatch fetch {batch_id} --errors`."
        body = {"codes": codes} if codes else None
        made = extension(client, "POST", f"/batches/{batch_id}/retry", what="retry a batch", instead=again, body=body)
        click.echo(made["id"])
        if watches:
            follow(client, made["id"])
    if not watches:
        say(f"Next: dbatch watch {made['id']}")


@click.command(short_help="Let no further request begin.")
@_identifier
def pause(batch_id: str) -> None:
    """Let no further request of a batch begin. Its deadline stands."""
    _wish(batch_id, "pause")
    say(f"{batch_id} is paused; requests in flight end. On with it: dbatch resume {batch_id}")


@click.command(short_help="Let a paused batch go on.")
@_identifier
def resume(batch_id: str) -> None:
    """Let a paused batch go on, within 15 seconds."""
    _wish(batch_id, "resume")
    say(f"{batch_id} goes on. Next: dbatch watch {batch_id}")


def _wish(batch_id: str, verb: str) -> None:
    with connect() as client:
        _retrieve(client, batch_id)
        instead = f"`dbatch cancel {batch_id}` ends it and keeps what is answered."
        extension(client, "POST", f"/batches/{batch_id}/{verb}", what=f"{verb} a batch", instead=instead)


@click.command(short_help="End a batch; what is answered stays.")
@_identifier
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal nothing is asked.")
def cancel(batch_id: str, *, yes: bool) -> None:
    """End a batch. What is answered so far can be fetched."""
    with connect() as client:
        batch = _retrieve(client, batch_id)
        if batch["status"] in ENDED:
            raise Failure(f"{batch_id} has ended already: {state(batch)}.", f"Its answers: dbatch fetch {batch_id}")
        answered, _, total = counts(batch)
        if not yes and sys.stdin.isatty():
            click.confirm(
                f"Cancel {batch_id}, {answered:,} of {amount(total, 'request')} answered?", abort=True, err=True
            )
        batch = client.batches.cancel(batch_id).to_dict()
    say(f"{batch_id} is {batch['status']}. Next: dbatch watch {batch_id}")


def _retrieve(client: OpenAI, batch_id: str) -> dict[str, Any]:
    """First of all: so that a 404 of an extension means that there is no such call, and not no such batch."""
    return client.batches.retrieve(batch_id).to_dict()
