"""The digest of failures: what a line of an error file is counted as, and how digests add up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.domain.batches.advice import ADVICE, DEFAULT, advice
from shared.domain.batches.failures import MOST_CODES, OTHER, Failure, merged, read_failure
from shared.domain.lines.result_line import NeverRan, failure_line, never_ran_line
from shared.domain.vendors.vendor import Vendor

ID = f"batch_req_{'0' * 32}"


def answered(vendor: Vendor, status: int, body: Any) -> bytes:
    encoded = json.dumps(body).encode()
    return failure_line(vendor, request_line_id=ID, custom_id="c", request_id=None, status=status, body=encoded)


@pytest.mark.parametrize("vendor", list(Vendor))
@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (
            400,
            {"error": {"code": "context_length_exceeded", "message": "Too long."}},
            "context_length_exceeded",
            "Too long.",
        ),
        (
            400,
            {"error": {"code": None, "type": "invalid_request_error", "message": "No."}},
            "invalid_request_error",
            "No.",
        ),
        (400, {"object": "error", "message": "No.", "code": 40301}, "40301", "No."),
        (500, {"error": "broken"}, "status_500", "broken"),
        (503, {"detail": []}, "status_503", None),
        (503, None, "status_503", None),
        (400, {"error": {"code": True, "message": ["x"]}}, "status_400", None),
        (400, {"error": {"code": "x" * 99, "message": "y" * 999}}, "x" * 64, "y" * 160 + "…"),
    ],
)
def test_an_answer_counts_under_its_code(
    vendor: Vendor, status: int, body: Any, code: str, message: str | None
) -> None:
    """Or under its type, or its status; whatever an upstream calls so is cut."""
    expected = Failure(code=code, count=1, first_line=7, custom_id="c", message=message)

    assert read_failure(7, answered(vendor, status, body)) == expected


@pytest.mark.parametrize("vendor", list(Vendor))
@pytest.mark.parametrize("code", list(NeverRan))
def test_what_never_ran_counts_under_its_own_code(vendor: Vendor, code: NeverRan) -> None:
    """Each has advice of its own; a line that is lost has no custom_id."""
    found = read_failure(1, never_ran_line(vendor, request_line_id=ID, custom_id=None, code=code))

    assert (found.code, found.custom_id) == (code.value, None)
    assert advice(found.code) == ADVICE[code] != DEFAULT


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[" * 100_000, b"[]", b'{"custom_id":"\\ud800"}', b'{"response":7}', b"\xff"]
)
def test_what_cannot_be_read_is_other(line: bytes) -> None:
    """Counting stops no seal."""
    assert (read_failure(3, line).code, read_failure(3, line).count) == (OTHER, 1)


def test_digests_add_up_in_any_order() -> None:
    """The commonest first; the example is that of the first line."""
    one = [Failure(code="a", count=2, first_line=9, message="late"), Failure(code="b", count=3, first_line=1)]
    two = [Failure(code="a", count=2, first_line=4, message="early")]
    expected = (Failure(code="a", count=4, first_line=4, message="early"), Failure(code="b", count=3, first_line=1))

    assert merged([one, two]) == merged([two, one]) == expected


def test_a_digest_is_bounded() -> None:
    """What is past the commonest codes is summed, and stays so when digests are added once more."""
    found = [Failure(code=f"c{number}", count=100 - number, first_line=number) for number in range(50)]
    digest = merged([found, [Failure(code=OTHER, count=5, first_line=77)]])
    rest = sum(100 - number for number in range(MOST_CODES, 50))

    assert [each.code for each in digest] == [*(f"c{number}" for number in range(MOST_CODES)), OTHER]
    assert digest[-1] == Failure(code=OTHER, count=rest + 5, first_line=MOST_CODES)
    assert sum(each.count for each in merged([digest, digest])) == 2 * sum(each.count for each in digest)
