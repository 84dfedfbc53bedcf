"""A page of usage or costs as CSV: a row for each result, with the bucket that it is in. Pure.

Rule of this file: a cell never begins as a formula does. Whoever opens the file in a spreadsheet opens what others
named: models, and whatever else a caller may choose.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

MEDIA_TYPE: Final = "text/csv; charset=utf-8"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write_csv(page: Mapping[str, Any]) -> bytes:
    """The page's results. A page without any has a header of the bucket's columns alone."""
    rows = list(_rows(page))
    names = list(dict.fromkeys(["start_time", "end_time", *(name for row in rows for name in row)]))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue().encode()


def _rows(page: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for bucket in page["data"]:
        times = {name: bucket[name] for name in ("start_time", "end_time")}
        for result in bucket["results"]:
            yield times | dict(_flat(result))


def _flat(result: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """`amount_value` of `amount: {value}`."""
    for name, value in result.items():
        if isinstance(value, dict):
            yield from ((f"{name}_{part}", inner) for part, inner in value.items())
        elif name != "object":
            yield name, value


def _cell(value: object) -> object:
    """Numbers are no text, whatever they begin with; they are written without an exponent."""
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
