"""What a batch will ask for, told from the beginning of its file."""

from __future__ import annotations

import json

import pytest

from shared.domain.usage.expected_load import ExpectedLoad, expect_load
from shared.domain.usage.tokens import EstimatedTokens
from shared.domain.validation.input_scan import Accepted
from tests.domain.test_input_scan import accepted, request

CHAT = "/v1/chat/completions"


def expect(head: bytes, size: int | None = None) -> ExpectedLoad | None:
    return expect_load(head, len(head) if size is None else size, EstimatedTokens())


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_short_file_is_counted_as_validation_counts_it(end: bytes) -> None:
    """Exactly, with or without a last line feed."""
    data = b"\n\n".join(request(number, "x" * number) for number in range(50)) + end
    found: Accepted = accepted(data)

    assert expect(data) == ExpectedLoad(deployment="small", input_tokens=found.validated.input_tokens)


def test_a_long_file_is_estimated_from_its_beginning() -> None:
    """Within a few per cent where lines are alike; the line that the head cuts does not count."""
    data = b"\n".join(request(number, "x" * (100 + number % 7)) for number in range(3000))
    true = accepted(data).validated.input_tokens
    found = expect(data[:20_000], len(data))

    assert found
    assert 0.95 < found.input_tokens / true < 1.05


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\n\n",
        b"nonsense\n",
        b"[1]\n",
        b'{"body":{}}',
        b'{"body":{"model":7}}',
        b'{"body":"x"}',
        b'{"custom_id":"a"}',
        b"\xef\xbb\xbf" + request(1),
        request(1, "\udcff").replace(b"\\udcff", b"\xff") + b"\n",
        b'{"body":{"model":"\xff"}}\n',
        b'{"body":' + b"[" * 100_000,
    ],
)
def test_a_file_that_tells_nothing(head: bytes) -> None:
    """None, and no exception: validation will say what is wrong."""
    assert expect(head) is None


def test_a_head_without_a_whole_line() -> None:
    """One line longer than the head says nothing yet."""
    assert expect(request(1, "x" * 1000)[:500], 2000) is None


def test_bad_lines_are_passed_over() -> None:
    """They fail the batch later; the others still weigh."""
    line = request(1)
    one, found = expect(line), expect(line + b"\nnonsense\n" + json.dumps({"body": {}}).encode() + b"\n")

    assert one
    assert found
    assert one.input_tokens <= found.input_tokens
