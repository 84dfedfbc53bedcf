"""The Range header (RFC 9110, 14)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge.byte_range import ByteRange, RangeNotSatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "start", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 10),
        ("bytes=3-5", 3, 3),
        ("bytes=9-9", 9, 1),
        ("bytes=5-1000", 5, 5),
        ("bytes=-3", 7, 3),
        ("bytes=-1000", 0, 10),
        ("BYTES=2-3", 2, 2),
    ],
)
def test_one_range_is_served(header: str, start: int, length: int) -> None:
    """First and last byte, open end, and suffix; the end is cut at the file's."""
    assert parse_range(header, 10) == ByteRange(start=start, length=length, size=10)


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes", "bytes=", "bytes=-", "bytes=5-3", "bytes=a-b", "bytes=1-2,4-5", "lines=1-2", "bytes=--1",
     "bytes=1-2-3", "bytes=" + "9" * 5000 + "-", "bytes=٣-٤"],
)  # fmt: skip
def test_what_is_no_single_range_is_ignored(header: str | None) -> None:
    """A header this service does not serve means the whole file."""
    assert parse_range(header, 10) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=999-1000", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_a_range_outside_the_file_is_refused(header: str, size: int) -> None:
    """Nothing of it could be sent."""
    with pytest.raises(RangeNotSatisfiable):
        parse_range(header, size)


@given(st.text(alphabet="bytes=0123456789-, ", max_size=30), st.integers(0, 50))
def test_a_range_never_leaves_the_file(header: str, size: int) -> None:
    """Whatever the header, what is served lies inside the file and is not empty."""
    try:
        found = parse_range(header, size)
    except RangeNotSatisfiable:
        return
    if found:
        assert 0 <= found.start < found.start + found.length <= size
