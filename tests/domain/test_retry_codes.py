"""Which failures a retry sends again, by their codes."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.batches.failures import MOST_CODES, OTHER, Failure, merged, read_failure
from shared.domain.batches.retry_codes import choose_codes, parse_codes
from shared.domain.errors import InvalidRequest
from shared.domain.lines.result_line import NeverRan, failure_line, never_ran_line
from shared.domain.vendors.vendor import Vendor

ID = f"batch_req_{'0' * 32}"


def refused(code: str, vendor: Vendor = Vendor.OPENAI) -> bytes:
    body = f'{{"error": {{"code": "{code}", "message": "No."}}}}'.encode()
    return failure_line(vendor, request_line_id=ID, custom_id="c", request_id=None, status=400, body=body)


def digest(*lines: bytes) -> tuple[Failure, ...]:
    return merged([read_failure(number, line)] for number, line in enumerate(lines, start=1))


@pytest.mark.parametrize("vendor", Vendor)
def test_a_line_is_taken_by_the_code_that_the_digest_has_it_under(vendor: Vendor) -> None:
    """Our own lines and an upstream's, in every vendor's form; a long code is cut in both."""
    late = never_ran_line(vendor, request_line_id=ID, custom_id="c", code=NeverRan.BATCH_EXPIRED)
    lines = [late, refused("content_filter", vendor), refused("x" * 200, vendor)]
    for each, line in zip([NeverRan.BATCH_EXPIRED.value, "content_filter", "x" * 64], lines, strict=True):
        take = choose_codes(parse_codes({"codes": [each]}), digest(*lines)).take
        assert [take(other) for other in lines] == [other is line for other in lines]


def test_other_is_every_code_that_is_not_named() -> None:
    """Those past the digest's bound, and lines without a code; no line is of two codes."""
    lines = [refused(f"code_{number}") for number in range(MOST_CODES + 3)] + [b'{"custom_id": "c"}\n']
    failures = digest(*lines)
    others = choose_codes(frozenset({OTHER}), failures).take
    named = choose_codes(frozenset(each.code for each in failures) - {OTHER}, failures).take
    assert [others(line) for line in lines] == [not named(line) for line in lines]
    assert sum(map(others, lines)) == 4


@pytest.mark.parametrize("fields", [{}, {"codes": None}, {"code": ["x"]}])
def test_without_codes_it_is_all(fields: dict[str, Any]) -> None:
    """Also of a batch that has no digest, since it is older."""
    assert choose_codes(parse_codes(fields), ()).take(refused("anything"))


@pytest.mark.parametrize("codes", ["request_timeout", {}, 1, [], [1], [None], ["x", ["y"]]])
def test_what_is_no_list_of_codes_is_refused(codes: object) -> None:
    """An empty list retries nothing: that is a mistake, not a wish."""
    with pytest.raises(InvalidRequest) as refusal:
        parse_codes({"codes": codes})
    assert refusal.value.param == "codes"


@pytest.mark.parametrize(("lines", "said"), [([refused("a"), refused("b")], "Those it has: a, b."), ([], "has none")])
def test_a_code_that_the_batch_does_not_have_is_refused(lines: list[bytes], said: str) -> None:
    """With those that there are."""
    with pytest.raises(InvalidRequest) as refusal:
        choose_codes(frozenset({"c"}), digest(*lines))
    assert said in refusal.value.message
