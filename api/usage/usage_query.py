"""What a report of usage or costs is asked for (contract 10.4), read from a query string. Pure.

Lists are understood as `group_by[]=a&group_by[]=b`, as OpenAI's SDKs write them, and as `group_by=a&group_by=b`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from api.admin.rendering import parse_key_id
from shared.domain.endpoints import ENDPOINTS
from shared.domain.errors import InvalidRequest
from shared.domain.keys.project import parse_project_id
from shared.domain.parameters import missing, shortened, unsupported, whole_number_text
from shared.domain.usage.ledger import Width
from shared.domain.usage.report import Filter, GroupBy, ReportKind, Span, whole_buckets

_LAST_SECOND: Final = 253_402_300_799
_PAGE: Final = "page_"
_ALL: Final = ("project_id", "user_id", "api_key_id", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report; `kind` is None for costs.

    `limits`: buckets of a page by their width, unless asked for and at most. `unkept` are filters that nothing is kept
    for.
    """

    kind: ReportKind | None
    groups: tuple[str, ...]
    limits: Mapping[Width, tuple[int, int]]
    unkept: tuple[str, ...] = ()


_LIMITS: Final = {Width.MINUTE: (60, 1440), Width.HOUR: (24, 168), Width.DAY: (7, 31)}
COMPLETIONS: Final = Report(
    kind=ReportKind.COMPLETIONS, groups=(*_ALL, "batch", "service_tier", "api_source"), limits=_LIMITS
)
EMBEDDINGS: Final = Report(kind=ReportKind.EMBEDDINGS, groups=_ALL, limits=_LIMITS)
MODERATIONS: Final = Report(kind=ReportKind.MODERATIONS, groups=_ALL, limits=_LIMITS)
IMAGES: Final = Report(
    kind=ReportKind.IMAGES, groups=(*_ALL, "size", "source"), limits=_LIMITS, unkept=("sizes", "sources")
)
COSTS: Final = Report(
    kind=None,
    groups=("project_id", "user_id", "line_item", "api_key_id", "api_source"),
    limits={Width.DAY: (7, 180)},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """One page of a report: `span` is the page's. `next_page` is the parameter `page` of the one after it."""

    span: Span
    which: Filter
    by: GroupBy
    groups: frozenset[str]
    has_line_items: bool
    next_page: str | None


def parse_usage_query(report: Report, query: Iterable[tuple[str, str]], now: datetime) -> UsageQuery:
    """Raises InvalidRequest. Parameters left empty count as absent, and so do those that nobody knows."""
    given: defaultdict[str, list[str]] = defaultdict(list)
    for name, text in query:
        if text:
            given[name.removesuffix("[]")].append(text)
    span, next_page = _page(report, given, now)
    groups = frozenset(_one_of("group_by", text, report.groups) for text in given["group_by"])
    by = GroupBy(
        project="project_id" in groups, key="api_key_id" in groups, model=not groups.isdisjoint(("model", "line_item"))
    )
    return UsageQuery(
        span=span,
        which=_filter(report, given),
        by=by,
        groups=groups,
        has_line_items="line_item" in groups or (report.kind is None and bool(given["line_items"])),
        next_page=next_page,
    )


def _page(report: Report, given: Mapping[str, Sequence[str]], now: datetime) -> tuple[Span, str | None]:
    whole = _whole_span(report, given, now)
    length, (default, most) = whole.width.length, report.limits[whole.width]
    text = _last(given, "limit")
    limit = whole_number_text("limit", text, 1, most) if text else default
    first = _first_of_page(_last(given, "page"), whole)
    until = min(whole.until, first + limit * length)
    next_page = f"{_PAGE}{int(until.timestamp())}" if until < whole.until else None
    return Span(width=whole.width, first=first, until=until), next_page


def _whole_span(report: Report, given: Mapping[str, Sequence[str]], now: datetime) -> Span:
    width = Width(_one_of("bucket_width", _last(given, "bucket_width") or Width.DAY, report.limits))
    start, end = _time(given, "start_time"), _time(given, "end_time")
    if start is None:
        raise missing("start_time")
    if end is not None and end <= start:
        raise InvalidRequest(
            "Invalid 'end_time': it must be later than 'start_time'.", code="invalid_value", param="end_time"
        )
    return whole_buckets(start, end or max(start, now), width)


def _time(given: Mapping[str, Sequence[str]], name: str) -> datetime | None:
    text = _last(given, name)
    return datetime.fromtimestamp(whole_number_text(name, text, 0, _LAST_SECOND - 86_400), UTC) if text else None


def _first_of_page(text: str | None, whole: Span) -> datetime:
    if not text:
        return whole.first
    digits = text.removeprefix(_PAGE)
    if text.startswith(_PAGE) and digits.isascii() and digits.isdigit() and len(digits) <= len(str(_LAST_SECOND)):
        seconds = min(int(digits), _LAST_SECOND)
        first = datetime.fromtimestamp(seconds, UTC)
        if whole.first <= first < whole.until and not (first - whole.first) % whole.width.length:
            return first
    raise InvalidRequest(
        f"Invalid 'page': '{shortened(text)}' is no page of this report. Pass 'next_page' of the page before, with all "
        "other parameters unchanged.",
        code="invalid_value",
        param="page",
    )


def _filter(report: Report, given: Mapping[str, Sequence[str]]) -> Filter:
    for name in report.unkept:
        if given[name]:
            raise InvalidRequest(f"Usage is not kept by {name}. Leave '{name}' out.", code="invalid_value", param=name)
    models = given["models"] if report.kind else given["line_items"]
    return Filter(
        projects=_ids(given["project_ids"], parse_project_id),
        keys=_ids(given["api_key_ids"], parse_key_id),
        models=frozenset(models) if models else None,
        endpoints=_endpoints(report, given),
    )


def _endpoints(report: Report, given: Mapping[str, Sequence[str]]) -> frozenset[str] | None:
    """None of them where users are asked for, or what is no batch: there is nothing of that here."""
    batch = _last(given, "batch")
    if given["user_ids"] or (batch and _one_of("batch", batch, ("true", "false")) == "false"):
        return frozenset()
    if report.kind is None:
        return None
    return frozenset(name for name, endpoint in ENDPOINTS.items() if endpoint.report is report.kind)


def _ids(texts: Sequence[str], parse: Callable[[str], str | None]) -> frozenset[str] | None:
    """What is no id is nobody's."""
    return frozenset(found for text in texts if (found := parse(text))) if texts else None


def _last(given: Mapping[str, Sequence[str]], name: str) -> str | None:
    return given[name][-1] if given[name] else None


def _one_of(param: str, text: str, supported: Iterable[str]) -> str:
    if text not in supported:
        raise unsupported(param, text, supported)
    return text
