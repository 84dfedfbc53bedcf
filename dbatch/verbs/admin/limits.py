"""`limit`, `organization-limit`: what may be spent: shown, set, or taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from dbatch.administration import administer, project_of
from dbatch.console import money, say
from dbatch.exits import Failure
from dbatch.verbs.admin.words import NAMES_LIMIT, PROJECT, limit_of, words_of

if TYPE_CHECKING:
    from openai import OpenAI

Fields = dict[str, Any]
_NONE = ("none",)
_stops = click.option("--stops", is_flag=True, help="Batches that run stop too, when it is reached.")


@click.command(short_help="Show or set what a project may spend.")
@PROJECT
@click.argument("words", nargs=-1, metavar="[LIMIT]")
@click.option("--model", help="A limit of this model in the project, beside that of all.")
@_stops
def limit(*, project: str, words: tuple[str, ...], model: str | None, stops: bool) -> None:
    """Show, set or take away what a project may spend.

    LIMIT is AMOUNT CURRENCY INTERVAL, such as 250 USD month; or none, which takes it away. INTERVAL is day, week,
    month or total, in UTC.
    """
    with administer() as client:
        found = project_of(client, project)
        before = found_limit(client, found)
        change = _changed(before, words, model, stops=stops)
        after = _set(client, found, change) if change is not None else before
    say(f"Project {found['name']} may spend {words_of(after)}{_used(after)}.")
    for name, each in sorted(((after or {}).get("models") or {}).items()):
        say(f"  with {name}: {words_of(each)}")


@click.command("organization-limit", short_help="The same of all projects together.")
@click.argument("words", nargs=-1, metavar="[LIMIT]")
@_stops
def organization_limit(*, words: tuple[str, ...], stops: bool) -> None:
    """Show, set or take away what all projects together may spend. LIMIT is as of `limit`."""
    with administer() as client:
        change = _changed(None, words, None, stops=stops)
        after = _set(client, None, change) if change is not None else found_limit(client, None)
    say(f"All projects together may spend {words_of(after)}{_used(after)}.")


def _changed(before: Fields | None, words: tuple[str, ...], model: str | None, *, stops: bool) -> Fields | None:
    """What to set; nothing: no limit any more; None: only look. Limits of other models stay."""
    if not words:
        if stops:
            raise click.UsageError(f"--stops goes with a limit: {NAMES_LIMIT}.")
        return None
    wanted = {} if words == _NONE else {**limit_of(words), **({"stops_batches": True} if stops else {})}
    models = {**((before or {}).get("models") or {})}
    if model is None:
        return {**wanted, **({"models": models} if models and wanted else {})}
    if not before:
        raise Failure("the project has no limit of its own yet.", f"First set one for all its models: {NAMES_LIMIT}.")
    models |= {model: wanted} if wanted else {}
    if not wanted:
        models.pop(model, None)
    kept = ("currency", "interval", "threshold_amount", "stops_batches")
    return {**{name: before[name] for name in kept if name in before}, "models": models}


def _calls(client: OpenAI, project: Fields | None) -> tuple[Any, tuple[str, ...]]:
    """The SDK's calls, and what they take first."""
    if project is None:
        return client.admin.organization.spend_limit, ()
    return client.admin.organization.projects.spend_limit, (project["id"],)


def _set(client: OpenAI, project: Fields | None, fields: Fields) -> Fields | None:
    calls, first = _calls(client, project)
    if not fields:
        _unless_missing(lambda: calls.delete(*first))
        return None
    known = ("currency", "interval", "threshold_amount")
    extras = {name: value for name, value in fields.items() if name not in known}
    answer = calls.update(*first, **{name: fields[name] for name in known}, extra_body=extras or None)
    found: Fields = answer.to_dict()
    return found


def found_limit(client: OpenAI, project: Fields | None) -> Fields | None:
    """None where there is none."""
    calls, first = _calls(client, project)
    answer = _unless_missing(lambda: calls.retrieve(*first))
    return answer.to_dict() if answer else None


def _unless_missing(call: Callable[[], Any]) -> Any:
    from openai import NotFoundError

    try:
        return call()
    except NotFoundError:
        return None


def _used(limit: Fields | None) -> str:
    used = (limit or {}).get("used")
    return f", of which {money(used['value'], used['currency'])} is spent or reserved" if used else ""
