"""What lines share is stored once, and every line is read back as it was; of what is damaged, nothing else is."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.lines.alike_lines import LEAST_SHARED, AlikeLines, whole_lines

DOCUMENTS = ["a" * 5000, "a" * 4000 + "b" * 3000, "c" * LEAST_SHARED, "short"]
TEXTS = st.sampled_from(["", " ", "x", '"body"', "\n", "é", "1 2 3 4 5", "a" * 700])


def line(custom_id: str, document: str, question: str) -> bytes:
    messages = [{"role": "system", "content": document}, {"role": "user", "content": question}]
    return msgspec.json.encode({"custom_id": custom_id, "url": "/v1", "body": {"messages": messages}})


def stored(lines: Sequence[bytes], like: Sequence[int]) -> bytes:
    """As one part; `add` says how many bytes that are."""
    alike = AlikeLines()
    sizes = [alike.add(line, one) for line, one in zip(lines, like, strict=True)]
    data = alike.data()
    assert len(data) == sum(sizes)
    return data


@given(st.lists(st.tuples(TEXTS, st.integers(0, 3), TEXTS, st.integers(0, 2)), min_size=1), st.integers(0, 20))
def test_lines_are_read_back_as_they_were(chosen: list[tuple[str, int, str, int]], cut: int) -> None:
    """Whatever they are said to be like, in one part or two."""
    lines = [line(custom_id, DOCUMENTS[document], question) for custom_id, document, question, _ in chosen]
    like = [one for *_, one in chosen]
    parts = [stored(lines[:cut], like[:cut]), stored(lines[cut:], like[cut:])]

    assert whole_lines(b"".join(parts)) == lines


@given(st.lists(st.binary(max_size=40).map(lambda text: b"{" + text.replace(b"\n", b" ") + b"}"), max_size=9))
def test_no_line_need_be_a_request(lines: list[bytes]) -> None:
    """It may be anything in braces."""
    assert whole_lines(stored(lines, [0] * len(lines))) == lines


def test_what_is_shared_is_stored_once() -> None:
    """Of two documents with a hundred questions each, braided."""
    documents = [f"{number} " * 4000 for number in range(2)]
    lines = [line(f"c{number}", documents[number % 2], f"question {number}?") for number in range(200)]
    data = stored(lines, [number % 2 for number in range(200)])

    assert whole_lines(data) == lines
    assert len(data) < sum(map(len, documents)) + 200 * 400


def test_lines_of_unequal_beginnings_are_kept_whole() -> None:
    """Where a guess was wrong, the copy is no larger than the input."""
    lines = [line("c", chr(97 + number) * 5000, "?") for number in range(9)]

    assert stored(lines, [0] * 9) == b"\n".join((*lines, b""))


def test_the_older_form_is_read() -> None:
    """All of its lines are whole."""
    lines = [line(f"c{number}", DOCUMENTS[0], "?") for number in range(3)]

    assert whole_lines(b"\n".join((*lines, b""))) == lines


@pytest.mark.parametrize("bad", [b"1 2 3", b"x y z 1 {}", b"9 1 1 1 {}", b"0", b"\xff", b"1 2 3 4"])
def test_a_damaged_line_keeps_its_place(bad: bytes) -> None:
    """As an empty one: those after it keep their numbers."""
    one, other = line("a", "d", "?"), line("b", "e", "?")

    assert whole_lines(b"\n".join((one, bad, other, b""))) == [one, b"", other]


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(data: bytes) -> None:
    """There are no more lines than there were."""
    assert len(whole_lines(data)) <= data.count(b"\n") + 1
