"""Picking the request lines of a retry out of an input file, however the files are cut into blocks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import WrongState
from shared.domain.lines.result_line import NeverRan, never_ran_line
from shared.domain.lines.retry_lines import RetryLines
from shared.domain.vendors.vendor import Vendor


def request(custom_id: str) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": "a\nb"}]}
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}).encode()


def error(custom_id: str, vendor: Vendor = Vendor.OPENAI) -> bytes:
    return never_ran_line(vendor, request_line_id="x", custom_id=custom_id, code=NeverRan.BATCH_EXPIRED)


def selected(
    errors: bytes, requests: bytes, size: int = 1 << 20, take: Callable[[bytes], bool] = lambda _: True
) -> list[bytes]:
    lines, found = RetryLines(take), b""
    for start in range(0, len(errors), size):
        lines.fail(errors[start : start + size])
    for start in range(0, len(requests), size):
        found += lines.select(requests[start : start + size])
    return (found + lines.rest()).splitlines()


@given(st.integers(1, 300), st.sets(st.integers(0, 9)))
def test_blocks_make_no_difference(size: int, failed: set[int]) -> None:
    """The failed lines, byte for byte and in input order."""
    errors = b"".join(error(f"c{number}") for number in sorted(failed, reverse=True))
    requests = b"".join(request(f"c{number}") + b"\n" for number in range(10))
    assert selected(errors, requests, size) == [request(f"c{number}") for number in sorted(failed)]


@pytest.mark.parametrize("custom_id", ["ünï", 'a"b\\', "\u2028", "😀", "", "x" * 5000])
@pytest.mark.parametrize("vendor", Vendor)
def test_odd_custom_ids_are_found_again(custom_id: str, vendor: Vendor) -> None:
    """Whatever a caller named a request, its error line names it alike."""
    assert selected(error(custom_id, vendor), request(custom_id)) == [request(custom_id)]


def test_blank_lines_and_a_missing_last_line_feed_do_no_harm() -> None:
    """Validation lets both pass."""
    requests = b"\n  \n" + request("a") + b"\r\n\n" + request("b")
    assert selected(error("a") + error("b"), requests) == [request("a"), request("b")]


def test_only_those_that_are_taken() -> None:
    """Whoever chooses sees the whole error line."""
    errors, requests = error("a") + error("b"), request("a") + b"\n" + request("b")
    assert selected(errors, requests, take=lambda line: b'"b"' in line) == [request("b")]


def test_requests_that_are_lost_are_left_out() -> None:
    """Their error lines have no name; the others are picked all the same."""
    lost = never_ran_line(Vendor.OPENAI, request_line_id="x", custom_id=None, code=NeverRan.INTERNAL_ERROR)

    assert selected(lost + error("a"), request("a") + b"\n" + request("None")) == [request("a")]


@pytest.mark.parametrize(
    "line", [b"edited\n", b'{"custom_id":5}\n', b"{}\n", b'{"custom_id":"\xff"}\n', b"[" * 100_000 + b"\n"]
)
def test_an_error_file_that_was_changed_is_refused(line: bytes) -> None:
    """It may lie in a caller's folder; what it does not name would be lost without a word."""
    with pytest.raises(WrongState, match="was changed after the batch had ended. Upload the requests again") as caught:
        selected(error("a") + line, request("a"))
    assert caught.value.code == "file_changed"


def test_a_request_whose_line_is_lost_is_passed_over() -> None:
    """Its result line has no custom_id, because nobody knows it: the others are sent again."""
    lost = error("lost").replace(b'"lost"', b"null")
    assert selected(lost + error("a"), request("") + b"\n" + request("a")) == [request("a")]


def test_blank_lines_cost_next_to_nothing() -> None:
    """As in validation."""
    started = time.process_time()
    assert selected(error("a"), b" \n" * 10_000_000 + request("a")) == [request("a")]
    assert time.process_time() - started < 0.5
