"""`alerts`, `alert`, `organization-alert`, `delete-alert`: who is to be told of how much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dbatch.administration import administer, all_of, project_of
from dbatch.console import say, show
from dbatch.exits import Failure
from dbatch.groups import this_program
from dbatch.verbs.admin.words import NAMES_LIMIT, PROJECT, limit_of, words_of

if TYPE_CHECKING:
    from openai import OpenAI

_amount = click.argument("words", nargs=3, metavar="AMOUNT CURRENCY INTERVAL")
_mail = click.option("--mail", multiple=True, metavar="ADDRESS", help="Kept with it; may be given several times.")


@click.command(short_help="Show all spend alerts.")
def alerts() -> None:
    """Show the spend alerts of all projects, and of all of them together."""
    with administer() as client:
        rows = [(of, each["id"], *_shown(each)) for of, _, each in _every(client)]
    show(("of", "id", "when spent", "for", "told for the window from"), rows)


@click.command(short_help="Have it told when a project has spent so much.")
@PROJECT
@_amount
@_mail
def alert(*, project: str, words: tuple[str, ...], mail: tuple[str, ...]) -> None:
    """Have it told when a project has spent or reserved so much, such as 200 USD month. It stops nothing."""
    with administer() as client:
        found = project_of(client, project)
        _make(client, found, words, mail, f"project {found['name']} has")


@click.command("organization-alert", short_help="The same of all projects together.")
@_amount
@_mail
def organization_alert(*, words: tuple[str, ...], mail: tuple[str, ...]) -> None:
    """Have it told when all projects together have spent or reserved so much."""
    with administer() as client:
        _make(client, None, words, mail, "all projects together have")


@click.command("delete-alert", short_help="Delete a spend alert.")
@click.argument("alert_id", metavar="ALERT")
def delete_alert(*, alert_id: str) -> None:
    """Delete a spend alert. ALERT is its id, as `alerts` shows it."""
    with administer() as client:
        found = [project for _, project, each in _every(client) if each["id"] == alert_id]
        if not found:
            raise Failure(f"no spend alert is {alert_id!r}.", f"`{this_program()} alerts` shows all, with their ids.")
        calls, _, named = _calls(client, found[0])
        calls.delete(alert_id, **named)
    say(f"The alert {alert_id} is deleted.")


def _make(
    client: OpenAI, project: dict[str, Any] | None, words: tuple[str, ...], mail: tuple[str, ...], they_have: str
) -> None:
    wanted = limit_of(words)
    if not wanted["threshold_amount"]:
        raise click.UsageError(f"An alert needs an amount: {NAMES_LIMIT}.")
    calls, first, _ = _calls(client, project)
    channel = {"type": "email", "recipients": list(mail)}
    made = calls.create(*first, **wanted, notification_channel=channel).to_dict()
    say(
        f"{made['id']} is told when {they_have} spent or reserved {words_of(made)}: in the service's log.",
        "A Durable Batch sends no mail itself; on Azure its operator's alert mails that line to `alertEmails`.",
    )


def _every(client: OpenAI) -> Iterator[tuple[str, dict[str, Any] | None, dict[str, Any]]]:
    """Each with whom it is of, by name and as a project; None is all of them."""
    owners: list[tuple[str, dict[str, Any] | None]] = [("all projects", None)]
    projects = all_of(client.admin.organization.projects.list(limit=100, include_archived=True))
    for of, project in (*owners, *((each["name"], each) for each in projects)):
        calls, first, _ = _calls(client, project)
        yield from ((of, project, each) for each in all_of(calls.list(*first, limit=100)))


def _calls(client: OpenAI, project: dict[str, Any] | None) -> tuple[Any, tuple[str, ...], dict[str, str]]:
    """The SDK's calls, what they take first, and what they take besides an alert's id."""
    if project is None:
        return client.admin.organization.spend_alerts, (), {}
    return client.admin.organization.projects.spend_alerts, (project["id"],), {"project_id": project["id"]}


def _shown(found: dict[str, Any]) -> tuple[str, str, str]:
    recipients = found["notification_channel"]["recipients"]
    return words_of(found), ", ".join(recipients) or "nobody", found.get("told_for") or "never"
