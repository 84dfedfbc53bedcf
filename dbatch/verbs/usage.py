"""`dbatch usage`: what was used and what it cost, by OpenAI's reports of an organization."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, Literal

import click

from dbatch.console import say, show
from dbatch.service import KEY, connect

ADMIN_KEY = "OPENAI_ADMIN_KEY"
_DAY = 86_400
_MOST_BUCKETS = 31
_KINDS = ("completions", "embeddings", "moderations", "images")
_GROUPS: dict[str, Literal["project_id", "model", "api_key_id"]] = {
    "project": "project_id",
    "model": "model",
    "key": "api_key_id",
}


@click.command(short_help="Show what was used, and what it cost.")
@click.option("--days", type=click.IntRange(1), default=30, show_default=True, help="So many days back, with today.")
@click.option("--by", type=click.Choice(tuple(_GROUPS)), default="model", show_default=True, help="A row for each.")
def usage(*, days: int, by: str) -> None:
    """Show requests, tokens and costs of the last days (UTC). A table on standard output, the sums beside it.

    Needs an administrator's key in OPENAI_ADMIN_KEY, or a project's key with the scope `usage`.
    """
    start = int(time.time()) // _DAY * _DAY - (days - 1) * _DAY
    group = _GROUPS[by]
    used: dict[str, list[int]] = {}
    spent: dict[str, float] = {}
    with connect(admin_api_key=os.environ.get(ADMIN_KEY) or os.environ.get(KEY)) as client:
        reports = client.admin.organization.usage
        for kind in _KINDS:
            for each in _results(getattr(reports, kind), start, group_by=[group]):
                sums = used.setdefault(str(each.get(group) or "-"), [0, 0, 0])
                for place, key in enumerate(("num_model_requests", "input_tokens", "output_tokens")):
                    sums[place] += each.get(key) or 0
        for each in _results(reports.costs, start):
            amount = each.get("amount") or {}
            currency = str(amount.get("currency", "")).upper()
            spent[currency] = spent.get(currency, 0.0) + float(amount.get("value") or 0.0)
    heads = (by, "requests", "input tokens", "output tokens")
    if used:
        show(heads, [(name, *(f"{each:,}" for each in sums)) for name, sums in sorted(used.items())], right=heads[1:])
    else:
        say(f"Nothing was used in the last {days} days.")
    for currency, value in sorted(spent.items()):
        say(f"Together {value:,.4f} {currency} in the last {days} days.")


def _results(report: Any, start: int, **query: Any) -> Iterator[dict[str, Any]]:
    """Of every bucket of every page."""
    page: dict[str, str] = {}
    while True:
        found = report(start_time=start, bucket_width="1d", limit=_MOST_BUCKETS, **query, **page).to_dict()
        for bucket in found["data"]:
            yield from bucket["results"]
        if not found.get("has_more"):
            return
        page = {"page": found["next_page"]}
