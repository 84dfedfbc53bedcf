"""The limit on embedding inputs over all lines (contract 3.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.domain.usage.embedding_inputs import count_inputs
from shared.domain.validation.input_scan import Accepted, InputScan
from tests.domain.test_input_scan import rules

EMBEDDINGS = "/v1/embeddings"


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("text", 1),
        (["a", "b", "c"], 3),
        ([1, 2, 3], 1),
        ([-1], 1),
        ([[1, 2], [3]], 2),
        ([], 0),
        (["[", "1"], 2),
        ({"odd": 1}, 1),
        (None, 1),
    ],
)
def test_counting(given: Any, inputs: int) -> None:
    """Texts and lists of tokens count; single tokens do not."""
    assert count_inputs(json.dumps({"model": "m", "input": given}).encode()) == inputs


def lines(*given: Any, url: str = EMBEDDINGS, key: str = "input") -> bytes:
    return b"".join(
        json.dumps(
            {"custom_id": str(number), "method": "POST", "url": url, "body": {"model": "small", key: one}}
        ).encode()
        + b"\n"
        for number, one in enumerate(given)
    )


def scan(data: bytes, endpoint: str = EMBEDDINGS) -> Any:
    scanned = InputScan(rules(endpoint=endpoint, max_embedding_inputs=5))
    scanned.feed(data)
    return scanned.finish()


def test_the_limit_itself_is_allowed() -> None:
    """Five of five."""
    assert isinstance(scan(lines(["a"] * 4, "b")), Accepted)


def test_one_more_fails_the_batch() -> None:
    """One error for the file, with the limit and the number found."""
    (error,) = scan(lines(["a"] * 4, "b", "c")).errors

    assert (error.code, error.line) == ("too_many_embedding_inputs", None)
    assert "maximum of 5 embedding inputs: its lines have 6 together" in error.message


def test_other_endpoints_have_no_such_limit() -> None:
    """Moderations take lists, too."""
    assert isinstance(scan(lines(["a"] * 9, url="/v1/moderations"), "/v1/moderations"), Accepted)
