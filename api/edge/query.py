"""The paging parameters of list calls (contract 1.5.2, 1.5.6, 1.6), read from a query string. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from shared.domain.errors import InvalidRequest
from shared.domain.parameters import shortened, unsupported, whole_number_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Up to `limit` objects strictly past the canonical id `after`."""

    limit: int
    after: str | None
    newest_first: bool


def parse_page(query: Mapping[str, str], parse_id: Callable[[str], str | None], *, default: int, most: int) -> Page:
    """Raises InvalidRequest. Parameters left empty count as absent; `after` is a position, its object may be gone."""
    limit, order, after = query.get("limit"), query.get("order") or "desc", query.get("after")
    if order not in ("asc", "desc"):
        raise unsupported("order", order, ("asc", "desc"))
    return Page(
        limit=whole_number_text("limit", limit, 1, most) if limit else default,
        after=position("after", after, parse_id) if after else None,
        newest_first=order == "desc",
    )


def listed(query: QueryParams, name: str) -> tuple[str, ...]:
    """The values of a parameter that may come several times, as `name` or as `name[]`; empty ones are none."""
    return tuple(text for text in (*query.getlist(f"{name}[]"), *query.getlist(name)) if text)


def parse_truth(query: Mapping[str, str], name: str) -> bool:
    """A parameter that is `true` or `false`, and false where it is absent or empty. Raises InvalidRequest."""
    text = query.get(name) or "false"
    if text not in ("true", "false"):
        raise unsupported(name, text, ("true", "false"))
    return text == "true"


def position(param: str, text: str, parse_id: Callable[[str], str | None]) -> str:
    """Never page one for an id nobody issued: old SDKs would page in circles (contract 1.6). Raises InvalidRequest."""
    found = parse_id(text)
    if found is None:
        which = "last item of the page before" if param == "after" else "first item of the page after it"
        raise InvalidRequest(
            f"Invalid '{param}': '{shortened(text)}' is no id. Pass the id of the {which}.",
            code="invalid_value",
            param=param,
        )
    return found
