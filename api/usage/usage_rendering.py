"""Pages of usage and costs as OpenAI shows them (contract 10.4). Pure.

Rule of this file: what results were not told apart by is null in them, and so is what nobody keeps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from api.admin.rendering import key_id
from api.edge.rendered_values import unix_seconds
from api.usage.usage_query import Report, UsageQuery
from shared.domain.deployments.charges import Item
from shared.domain.keys.project import spell_project_id
from shared.domain.usage.ledger import Amounts, Charge
from shared.domain.usage.money import shown
from shared.domain.usage.report import Bucket, Group, ReportKind

_UNLABELED: Final = "unlabeled"  # Nothing here comes from an agent.


def render_usage_page(report: Report, query: UsageQuery, buckets: Sequence[Bucket]) -> dict[str, Any]:
    return {
        "object": "page",
        "data": [_bucket(report, query, bucket) for bucket in buckets],
        "has_more": query.next_page is not None,
        "next_page": query.next_page,
    }


def _bucket(report: Report, query: UsageQuery, bucket: Bucket) -> dict[str, Any]:
    return {
        "object": "bucket",
        "start_time": unix_seconds(bucket.start),
        "end_time": unix_seconds(bucket.end),
        "results": [
            result | _groups(report, query, group)
            for group, amounts in bucket.results
            for result in (_costs(query, amounts) if report.kind is None else [_usage(report.kind, amounts)])
        ],
    }


def _groups(report: Report, query: UsageQuery, group: Group) -> dict[str, Any]:
    known = {
        "project_id": spell_project_id(group.project) if group.project else None,
        "api_key_id": key_id(group.key_id) if group.key_id else None,
        "model": group.model,
        "line_item": group.model,
        "batch": True,
        "api_source": _UNLABELED,
    }
    return {name: known.get(name) if name in query.groups else None for name in report.groups}


def _usage(kind: ReportKind, amounts: Amounts) -> dict[str, Any]:
    """`num_failed_requests` and `output_reasoning_tokens` are extensions."""
    usage = amounts.usage
    found = {
        "object": f"organization.usage.{kind}.result",
        "num_model_requests": amounts.completed,
        "num_failed_requests": amounts.failed,
    }
    if kind is ReportKind.IMAGES:
        return found | {"images": usage.images}
    found |= {"input_tokens": usage.input_tokens}
    if kind is not ReportKind.COMPLETIONS:
        return found
    return found | {
        "output_tokens": usage.output_tokens,
        "input_cached_tokens": usage.cached_tokens,
        "input_cache_write_tokens": usage.cache_write_tokens,
        "input_uncached_tokens": usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
    }


def charges_by_currency(amounts: Amounts) -> dict[str, list[Charge]]:
    """In the order of their currencies."""
    found: defaultdict[str, list[Charge]] = defaultdict(list)
    for charge in amounts.charges:
        found[charge.currency].append(charge)
    return found


def _costs(query: UsageQuery, amounts: Amounts) -> Iterator[dict[str, Any]]:
    """One for each currency; line items have one charge each."""
    for currency, charges in charges_by_currency(amounts).items():
        is_item = "line_item" in query.groups
        yield {
            "object": "organization.costs.result",
            "amount": {"value": shown(sum(charge.picos for charge in charges)), "currency": currency.lower()},
            "quantity": charges[0].quantity if is_item else None,
            "quantity_unit": _unit(charges[0].item) if is_item else None,
        }


def _unit(item: str) -> str:
    return "images" if item == Item.IMAGES else "tokens"
