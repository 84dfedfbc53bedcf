"""`scripts/admin`: projects, keys, spend limits and usage of a service, from a shell.

It speaks the service's own administration API, as any client does: so it works on every installation, and everything
that it does is in the audit log. Exits 0 if it was done, else 1 with what to do.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from admin_calls import Administration
from admin_options import options
from admin_words import day, say, show, words_of
from smoke_call import CheckFailed, client

DAY = 86_400
_GROUPS = {"project": "project_id", "model": "model", "key": "api_key_id"}


def list_projects(service: Administration, _: argparse.Namespace) -> None:
    projects = service.all("projects", include_archived="true")
    limits = [service.limit(f"projects/{each['id']}/spend_limit") for each in projects]
    rows = [
        (each["name"], each["id"], each["status"], each["weight"], words_of(limit))
        for each, limit in zip(projects, limits, strict=True)
    ]
    show(("project", "id", "status", "weight", "may spend"), rows)


def create_project(service: Administration, chosen: argparse.Namespace) -> None:
    fields = {"name": chosen.project, "weight": chosen.weight, "labels": dict(chosen.label or ())}
    made = service.ask("POST", "projects", json={name: value for name, value in fields.items() if value})
    say(f"Project {made['name']} is {made['id']}.", f'Next: scripts/admin create-key "{made["name"]}" NAME')


def archive(service: Administration, chosen: argparse.Namespace) -> None:
    project = service.project(chosen.project)
    service.ask("POST", f"projects/{project['id']}/archive")
    say(f"Project {project['name']} is archived. Its keys open nothing any more; batches that run go on.")


def list_keys(service: Administration, chosen: argparse.Namespace) -> None:
    project = service.project(chosen.project)
    rows = [
        (
            each["name"],
            each["id"],
            each["redacted_value"],
            ", ".join(each["scopes"]) or "all",
            ", ".join(each["models"]) or "all",
            each["max_priority"],
            words_of(each["spend_limit"]),
            day(each["last_used_at"]),
            day(each["expires_at"]),
        )
        for each in service.all(f"projects/{project['id']}/api_keys")
    ]
    show(("key", "id", "value", "scopes", "models", "priority", "may spend", "last used", "expires"), rows)


def create_key(service: Administration, chosen: argparse.Namespace) -> None:
    project = service.project(chosen.project)
    fields = {
        "name": chosen.name,
        "scopes": chosen.scopes,
        "models": chosen.models,
        "max_priority": chosen.max_priority,
        "labels": dict(chosen.label or ()),
        "expires_in_seconds": chosen.days * DAY if chosen.days else None,
        "spend_limit": chosen.limit,
    }
    given = {name: value for name, value in fields.items() if value}
    made = service.ask("POST", f"projects/{project['id']}/service_accounts", json=given)
    print(made["api_key"]["value"])  # Alone on standard output, for `$(...)`.
    say(f"That is the key {made['api_key']['id']} of {project['name']}. It is not shown again.")


def revoke(service: Administration, chosen: argparse.Namespace) -> None:
    project = service.project(chosen.project)
    service.ask("DELETE", f"projects/{project['id']}/api_keys/{chosen.id}")
    say(f"The key {chosen.id} is deleted. Every instance refuses it within 30 seconds.")


def limit(service: Administration, chosen: argparse.Namespace) -> None:
    project = service.project(chosen.project)
    _limit(service, chosen, f"projects/{project['id']}", f"Project {project['name']} may spend")


def limit_organization(service: Administration, chosen: argparse.Namespace) -> None:
    _limit(service, chosen, "", "All projects together may spend")


def _limit(service: Administration, chosen: argparse.Namespace, of: str, they_may_spend: str) -> None:
    path = f"{of}/spend_limit".lstrip("/")
    if chosen.limit == "none":
        service.ask("DELETE", path)
    elif chosen.limit:
        service.ask("POST", path, json={**chosen.limit, **({"stops_batches": True} if chosen.stops else {})})
    found = service.limit(path)
    used = f", of which {found['used']['value']:.2f} is spent or reserved" if found else ""
    say(f"{they_may_spend} {words_of(found)}{used}.")


def usage(service: Administration, chosen: argparse.Namespace) -> None:
    """By day buckets of both reports, summed here."""
    start = int(time.time()) // DAY * DAY - (chosen.days - 1) * DAY
    group = _GROUPS[chosen.by]
    costs = _GROUPS["project"] if chosen.by == "model" else group
    sums: dict[str, list[float]] = {}
    for kind in ("completions", "embeddings", "moderations", "images"):
        for each in _results(service, f"usage/{kind}", start, group):
            of_group = sums.setdefault(str(each[group] or "bootstrap key"), [0, 0, 0])
            of_group[0] += each["num_model_requests"]
            of_group[1] += each.get("input_tokens") or 0
            of_group[2] += each.get("output_tokens") or 0
    names = _names(service, chosen.by)
    rows = [(names.get(name, name), *(f"{int(one):,}" for one in found)) for name, found in sorted(sums.items())]
    show((chosen.by, "requests", "input tokens", "output tokens"), rows)
    spent: dict[str, float] = {}
    for each in _results(service, "costs", start, costs):
        currency = each["amount"]["currency"].upper()
        spent[currency] = spent.get(currency, 0.0) + each["amount"]["value"]
    for currency, value in sorted(spent.items()):
        say(f"Together {value:.4f} {currency} in the last {chosen.days} days.")


def _results(service: Administration, path: str, start: int, group: str) -> Iterable[dict[str, Any]]:
    page: Mapping[str, Any] = {}
    while True:
        query = {"start_time": start, "limit": 31, "group_by[]": group, **page}
        found = service.ask("GET", path, params=query)
        for bucket in found["data"]:
            yield from bucket["results"]
        if not found["has_more"]:
            return
        page = {"page": found["next_page"]}


def _names(service: Administration, by: str) -> dict[str, str]:
    projects = service.all("projects", include_archived="true") if by == "project" else []
    return {each["id"]: each["name"] for each in projects}


def log(service: Administration, chosen: argparse.Namespace) -> None:
    entries = service.ask("GET", "audit_logs", params={"limit": chosen.last})["data"]
    rows = [
        (
            datetime.fromtimestamp(each["effective_at"], UTC).strftime("%Y-%m-%d %H:%M:%S"),
            each["type"],
            each["actor"]["name"],
            (each.get("project") or {}).get("name", ""),
            each[each["type"]]["id"],
        )
        for each in entries
    ]
    show(("when (UTC)", "what", "who", "project", "id"), rows)


COMMANDS: Mapping[str, Callable[[Administration, argparse.Namespace], None]] = {
    "projects": list_projects,
    "create-project": create_project,
    "archive": archive,
    "keys": list_keys,
    "create-key": create_key,
    "revoke": revoke,
    "limit": limit,
    "organization-limit": limit_organization,
    "usage": usage,
    "log": log,
}


def key_of(chosen: argparse.Namespace) -> str:
    """What the local host keeps goes to this machine only. Raises CheckFailed if there is none."""
    kept = Path(chosen.data) / "bootstrap-key"
    is_here = httpx.URL(chosen.url).host in ("127.0.0.1", "localhost", "::1")
    own = kept.read_text().strip() if is_here and kept.exists() else ""
    key = chosen.key or os.environ.get("OPENAI_ADMIN_KEY") or own
    if not key:
        raise CheckFailed("no key was given", "Give an administrator's key: --key, or OPENAI_ADMIN_KEY.")
    return str(key)


def main(arguments: Sequence[str]) -> int:
    chosen = options(arguments)
    try:
        with client(chosen.url) as http:
            COMMANDS[chosen.command](Administration(http, key_of(chosen)), chosen)
    except CheckFailed as failed:
        say(f"Not done: {failed.seen}", failed.advice)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
