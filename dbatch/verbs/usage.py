"""`dbatch usage`: what was used and what it cost, by OpenAI's reports of an organization."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from dbatch.administration import administer, all_of
from dbatch.console import money, say, show

if TYPE_CHECKING:
    from openai import OpenAI

_DAY = 86_400
_MOST_BUCKETS = 31
_KINDS = ("completions", "embeddings", "moderations", "images")
_COUNTS = ("num_model_requests", "input_tokens", "output_tokens")
_GROUPS = {"project": "project_id", "model": "model", "key": "api_key_id"}
_LINE_ITEM = "line_item"  # What costs call a model: `gpt-5-mini, input_tokens`.

Costs = dict[str, Decimal]


@click.command(short_help="Show what was used, and what it cost.")
@click.option("--days", type=click.IntRange(1), default=30, show_default=True, help="So many days back, with today.")
@click.option("--by", type=click.Choice(tuple(_GROUPS)), default="model", show_default=True, help="A row for each.")
def usage(*, days: int, by: str) -> None:
    """Show requests, tokens and costs of the last days (UTC). A table on standard output, the sums beside it.

    Needs an administrator's key in OPENAI_ADMIN_KEY, or a project's key with the scope `usage`.
    """
    start = int(time.time()) // _DAY * _DAY - (days - 1) * _DAY
    with administer() as client:
        used = _used(client, start, _GROUPS[by])
        spent = _spent(client, start, _LINE_ITEM if by == "model" else _GROUPS[by])
        names = _names(client) if by == "project" and used else {}
    heads = (by, "requests", "input tokens", "output tokens", "cost")
    rows = [(names.get(of, of), *(f"{each:,}" for each in used[of]), _written(spent[of]) or "-") for of in sorted(used)]
    if rows:
        show(heads, rows, right=heads[1:])
    else:
        say(f"Nothing was used in the last {days} days.")
    together: Costs = defaultdict(Decimal)
    for costs in spent.values():
        for currency, value in costs.items():
            together[currency] += value
    if together:
        say(f"Together {_written(together)} in the last {days} days.")


def _written(costs: Costs) -> str:
    return " and ".join(money(value, currency) for currency, value in sorted(costs.items()))


def _used(client: OpenAI, start: int, group: str) -> dict[str, list[int]]:
    """Of each group the counts."""
    used: dict[str, list[int]] = defaultdict(lambda: [0] * len(_COUNTS))
    for kind in _KINDS:
        for each in _results(getattr(client.admin.organization.usage, kind), start, group):
            sums = used[str(each.get(group) or "-")]
            for place, name in enumerate(_COUNTS):
                sums[place] += each.get(name) or 0
    return used


def _spent(client: OpenAI, start: int, group: str) -> dict[str, Costs]:
    """Of each group what it cost, by currency."""
    spent: dict[str, Costs] = defaultdict(lambda: defaultdict(Decimal))
    for each in _results(client.admin.organization.usage.costs, start, group):
        amount = each.get("amount") or {}
        of = str(each.get(group) or "-")
        name = of.rpartition(", ")[0] or of if group == _LINE_ITEM else of
        spent[name][str(amount.get("currency", ""))] += Decimal(str(amount.get("value") or 0))
    return spent


def _results(report: Any, start: int, group: str) -> Iterator[dict[str, Any]]:
    """Of every bucket of every page."""
    page: dict[str, str] = {}
    while True:
        found = report(start_time=start, bucket_width="1d", limit=_MOST_BUCKETS, group_by=[group], **page).to_dict()
        for bucket in found["data"]:
            yield from bucket["results"]
        if not found.get("has_more"):
            return
        page = {"page": found["next_page"]}


def _names(client: OpenAI) -> dict[str, str]:
    """Of projects; none for a project's own key, which may not list them."""
    from openai import PermissionDeniedError

    try:
        projects = all_of(client.admin.organization.projects.list(limit=100, include_archived=True))
    except PermissionDeniedError:
        return {}
    return {each["id"]: each["name"] for each in projects}
