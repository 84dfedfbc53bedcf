"""Azure's `$filter` and `$orderby` (contract 1.5.6)."""

from __future__ import annotations

import pytest

from shared.domain.batches.batch import Status
from shared.domain.batches.batch_filter import AllOf, AnyOf, Condition, CreatedWithin, HasStatus
from shared.domain.batches.odata_filter import MAX_DEPTH, is_newest_first, parse_filter
from shared.domain.errors import InvalidRequest

COMPLETED, FAILED = HasStatus(status=Status.COMPLETED), HasStatus(status=Status.FAILED)
EXAMPLE = "Write it like this: created_at gt 1728860560 and status eq 'Completed'."


def since(first: int) -> CreatedWithin:
    return CreatedWithin(first=first)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("created_at gt 1728860560 and status eq 'Completed'", AllOf((since(1728860561), COMPLETED))),
        ("created_at ge 10", since(10)),
        ("created_at lt 10", CreatedWithin(last=9)),
        ("created_at le 10", CreatedWithin(last=10)),
        ("created_at eq 10", CreatedWithin(first=10, last=10)),
        ("status eq 'InProgress'", HasStatus(status=Status.IN_PROGRESS)),
        ("status eq 'In_progress'", HasStatus(status=Status.IN_PROGRESS)),
        ("status eq 'completed'", COMPLETED),
        ("status eq 'Failed' or status eq 'Completed'", AnyOf((FAILED, COMPLETED))),
        (
            "status eq 'Failed' or status eq 'Completed' and created_at ge 1",
            AnyOf((FAILED, AllOf((COMPLETED, since(1))))),
        ),
        (
            "(status eq 'Failed' or status eq 'Completed') and created_at ge 1",
            AllOf((AnyOf((FAILED, COMPLETED)), since(1))),
        ),
        ("  ( ( status  eq 'Failed' ) )  ", FAILED),
        ("status eq 'Failed' AND created_at ge 1", AllOf((FAILED, since(1)))),
    ],
)
def test_what_azure_documents_is_read(text: str, condition: Condition) -> None:
    """Epoch seconds, capitalised literals, `and` before `or`, parentheses."""
    assert parse_filter(text) == condition


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (" ", "expected 'created_at' or 'status', found the end"),
        ("model eq 'x'", "expected 'created_at' or 'status', found 'model'"),
        ("created_at ne 1", "expected gt, ge, lt, le or eq after 'created_at', found 'ne'"),
        ("created_at gt", "expected epoch seconds such as 1728860560, found the end"),
        ("created_at gt -5", "expected epoch seconds such as 1728860560, found '-5'"),
        ("created_at gt '5'", "expected epoch seconds such as 1728860560, found ''5''"),
        ("created_at gt ٣", "expected epoch seconds such as 1728860560, found '٣'"),
        ("status gt 'Failed'", "expected eq after 'status', found 'gt'"),
        ("status eq Failed", "expected a quoted status such as 'Completed', found 'Failed'"),
        ("status eq 'Done'", "expected a quoted status such as 'Completed', found ''Done''"),
        ("status eq 'Failed", "a quote is never closed"),
        ("status eq 'Failed' status", "expected 'and', 'or' or the end, found 'status'"),
        ("(status eq 'Failed'", "expected ')', found the end"),
        ("status eq 'Failed')", "expected 'and', 'or' or the end, found ')'"),
        ("status eq 'Failed' and", "expected 'created_at' or 'status', found the end"),
        ("(" * (MAX_DEPTH + 1), f"more than {MAX_DEPTH} parentheses are nested"),
        ("(" * 3000, "it is longer than 2000 characters"),
    ],
)
def test_what_cannot_be_read_is_quoted(text: str, problem: str) -> None:
    """One sentence with the place, one with an example."""
    with pytest.raises(InvalidRequest) as caught:
        parse_filter(text)

    assert (caught.value.message, caught.value.param) == (f"Invalid '$filter': {problem}. {EXAMPLE}", "$filter")


@pytest.mark.parametrize(
    ("text", "newest_first"), [("created_at asc", False), ("created_at desc", True), (" created_at ", False)]
)
def test_orderby(text: str, newest_first: bool) -> None:
    """Both directions; none is ascending, as OData says."""
    assert is_newest_first(text) is newest_first


@pytest.mark.parametrize("text", ["status asc", "created_at up", "created_at asc, id desc", "desc"])
def test_an_orderby_that_cannot_be_read(text: str) -> None:
    """The two that exist are named."""
    with pytest.raises(InvalidRequest, match="Use 'created_at asc' or 'created_at desc'"):
        is_newest_first(text)
