"""`dbatch list`, `retry`, `pause`, `resume`, `change`, `cancel`, `delete`: what is done with batches that are there."""

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
from dbatch.options import PRIORITIES, pairs
from dbatch.service import connect, extension
from dbatch.verbs.watch import follow

if TYPE_CHECKING:
    from openai import OpenAI

STATES = ("validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled")
_identifier = click.argument("batch_id", metavar="ID")


@click.command("list", short_help="List batches, the newest first.")
@click.option("--status", type=click.Choice(STATES), help="Only batches in this state.")
@click.option("--metadata", multiple=True, callback=pairs, metavar="NAME=VALUE", help="Only batches with this pair.")
@click.option("--model", help="Only batches for this model.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, as the service has them.")
def list_batches(*, status: str | None, metadata: dict[str, str], model: str | None, limit: int, as_json: bool) -> None:
    """List batches, the newest first."""
    with connect() as client:
        found = list(itertools.islice(_fitting(client, status, metadata, model), limit))
    if as_json:
        for batch in found:
            click.echo(json.dumps(batch))
    elif found:
        show(
            ("id", "created", "state", "requests", "failed", "model"), [_row(batch) for batch in found], right=_NUMBERS
        )
    else:
        say("There are none." if status or metadata or model else "There are no batches yet. Next: dbatch submit FILE")


_NUMBERS = ("requests", "failed")


def _fitting(
    client: OpenAI, status: str | None, metadata: Mapping[str, str], model: str | None
) -> Iterator[dict[str, Any]]:
    """Chosen here, because OpenAI's list has no filters."""
    for batch in client.batches.list(limit=100):
        found = batch.to_dict()
        kept: Mapping[str, Any] = found.get("metadata") or {}  # type: ignore[assignment]
        if (
            status in (None, found["status"])
            and model in (None, found.get("model"))
            and metadata.items() <= kept.items()
        ):
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
    instead = f"`dbatch cancel {batch_id}` ends it and keeps what is answered."
    _ask(batch_id, "POST", f"/{verb}", f"{verb} a batch", instead)


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


@click.command(short_help="Give a batch another priority or window.")
@_identifier
@click.option("--priority", type=click.Choice(PRIORITIES), help="Among your batches.")
@click.option("--window", help="How long it may take from its creation, such as 48h.")
def change(batch_id: str, *, priority: str | None, window: str | None) -> None:
    """Give a batch that has not ended another priority, another completion window, or both."""
    wanted = {"priority": priority, "completion_window": window}
    body = {name: value for name, value in wanted.items() if value}
    if not body:
        raise click.UsageError("Say what to change: --priority, --window, or both.")
    batch = _ask(batch_id, "POST", "", "change a batch", "It keeps the terms that it was created with.", body=body)
    ends = f", and ends by {moment(batch['expires_at'])}" if batch.get("expires_at") else ""
    say(f"{batch_id} has the priority {batch.get('priority') or 'normal'}{ends}. Next: dbatch watch {batch_id}")


@click.command(short_help="Delete a batch that has ended.")
@_identifier
@click.option("--files", type=click.Choice(("none", "results", "all")), help="Which files go with it.  [default: none]")
@click.option("--erase", is_flag=True, help="Leave nothing of it but what it used and cost; all its files go.")
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal this is needed.")
def delete(batch_id: str, *, files: str | None, erase: bool, yes: bool) -> None:
    """Delete a batch that has ended. Its files stay, unless --files or --erase says otherwise."""
    query = {**({"files": files} if files else {}), **({"erase": "true"} if erase else {})}
    files = "all" if erase else files or "none"
    if not yes:
        _confirm(
            batch_id, {"none": "", "results": ", with its answers", "all": ", with its requests and answers"}[files]
        )
    stays = "Its files and its record stay until they expire."
    _ask(batch_id, "DELETE", "", "delete a batch", stays, query=query)
    say(f"{batch_id} is {'erased' if erase else 'deleted'}. What it used and cost stays in `dbatch usage`.")


def _confirm(batch_id: str, what: str) -> None:
    """By the id, typed again: it cannot be undone. Raises Failure."""
    if not sys.stdin.isatty():
        raise Failure("nobody can be asked here whether to delete it.", "Give --yes.")
    if click.prompt(f"This deletes {batch_id}{what}. Type its id to do so", err=True) != batch_id:
        raise Failure("that is not its id; nothing was deleted.", f"Its id is {batch_id}.")


def _ask(batch_id: str, method: str, path: str, what: str, instead: str, **more: Any) -> dict[str, Any]:
    """A call that only Durable Batch has, of a batch that is there."""
    with connect() as client:
        _retrieve(client, batch_id)
        return extension(client, method, f"/batches/{batch_id}{path}", what=what, instead=instead, **more)


def _retrieve(client: OpenAI, batch_id: str) -> dict[str, Any]:
    """First of all: so that a 404 of an extension means that there is no such call, and not no such batch."""
    return client.batches.retrieve(batch_id).to_dict()
