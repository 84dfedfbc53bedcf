"""Pages of usage and costs as OpenAI shows them (contract 10.5). Pure.

Rule of this file: what results were not told apart by is null in them, and so is what nobody keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from api.admin.rendering import key_id, project_id
from api.edge.rendered_values import unix_seconds
from api.usage.usage_query import Report, UsageQuery
from shared.domain.usage.ledger import Amounts
from shared.domain.usage.report import Bucket, Group, ReportKind

UNLABELED: Final = "unlabeled"  # Nothing here comes from an agent.


def render_usage_page(report: Report, query: UsageQuery, buckets: Sequence[Bucket]) -> dict[str, Any]:
    return {
        "object": "page",
        "data": [_bucket(report, query, bucket) for bucket in buckets],
        "has_more": query.next_page is not None,
        "next_page": query.next_page,
    }


def _bucket(report: Report, query: UsageQuery, bucket: Bucket) -> dict[str, Any]:
    results = [_usage(report.kind, amounts) | _groups(report, query, group) for group, amounts in bucket.results] if (
        report.kind
    ) else [cost | _groups(report, query, group) for group, amounts in bucket.results for cost in _costs(amounts)]
    return {
        "object": "bucket",
        "start_time": unix_seconds(bucket.start),
        "end_time": unix_seconds(bucket.end),
        "results": results,
    }
