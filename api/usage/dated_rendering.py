"""A report of usage between two dates (contract 9.4). Pure.

Rule of this file: a row for each bucket, project, key and model that used anything, and none beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from api.admin.rendering import key_id
from api.edge.rendered_values import unix_seconds
from api.usage.dated_query import DatedQuery
from api.usage.usage_rendering import charges_by_currency
from shared.domain.keys.project import spell_project_id
from shared.domain.keys.used_by import UsedBy
from shared.domain.usage.ledger import Amounts
from shared.domain.usage.money import shown
from shared.domain.usage.report import Bucket

REPORT: Final = "usage_report"


def render_dated_report(
    query: DatedQuery, buckets: Iterable[Bucket], users: Mapping[tuple[str, str | None], UsedBy]
) -> dict[str, Any]:
    """`buckets` are told apart by project, key and model; `users` has who each pair of project and key is."""
    return {
        "object": REPORT,
        "start_date": query.first.isoformat(),
        "end_date": query.last.isoformat(),
        "interval": query.interval,
        "data": list(_rows(buckets, users)),
    }


def _rows(buckets: Iterable[Bucket], users: Mapping[tuple[str, str | None], UsedBy]) -> Iterator[dict[str, Any]]:
    for bucket in buckets:
        times = {"start_time": unix_seconds(bucket.start), "end_time": unix_seconds(bucket.end)}
        for group, amounts in bucket.results:
            user = users[group.project or "", group.key_id]
            yield times | {"model_id": group.model} | _user(user) | _amounts(amounts)


def _user(user: UsedBy) -> dict[str, Any]:
    return {
        "api_key_id": key_id(user.key_id) if user.key_id else None,
        "api_key_name": user.key_name,
        "project_id": spell_project_id(user.project_id),
        "project": user.project_name,
        "department": user.department,
    }


def _amounts(amounts: Amounts) -> dict[str, Any]:
    """Tokens as in the reports of OpenAI's form, and how many there are of both kinds."""
    usage = amounts.usage
    return {
        "num_model_requests": amounts.completed,
        "num_failed_requests": amounts.failed,
        "input_tokens": usage.input_tokens,
        "input_cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "images": usage.images,
        "costs": [
            {"value": shown(sum(charge.picos for charge in charges)), "currency": currency.lower()}
            for currency, charges in charges_by_currency(amounts).items()
        ],
    }
