"""The estimate of input tokens."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.usage.expected_answers import Answers
from shared.domain.usage.tokens import HELD_CHARACTERS, EstimatedTokens, TokenMethod, TokenTally, weigh


def tally(*bodies: bytes) -> int:
    tokens = TokenTally(EstimatedTokens())
    for body in bodies:
        tokens.add(body)
    return tokens.take()


def count(body: object) -> int:
    return tally(json.dumps(body).encode())


def test_a_conversation_is_its_text_and_four_a_message_and_three() -> None:
    """The Azure how-to's example: 27 tokens counted exactly there; its texts are 16 tokens and 86 bytes."""
    messages = [
        {"role": "system", "content": "You are an AI assistant that helps people find information."},
        {"role": "user", "content": "When was Microsoft founded?"},
    ]
    assert count({"messages": messages}) == 22 + 2 * 4 + 3


def test_escapes_count_as_what_they_stand_for() -> None:
    """A body with every letter escaped is as many tokens as one without."""
    text = "Привет, мир. " * 20
    plain = json.dumps({"input": text}, ensure_ascii=False).encode()
    escaped = json.dumps({"input": text}).encode()
    assert tally(plain) == tally(escaped)


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"input": "x" * 40}, 10),
        ({"input": ["x" * 40, "y" * 40]}, 20),
        ({"input": [1, 2, 3]}, 3),
        ({"input": [[1, 2], [3, 4]]}, 4),
        ({"prompt": "x" * 41}, 11),
        ({"input": "x" * 40, "instructions": "y" * 20}, 15),
        ({"prompt": "x" * 40, "max_tokens": 4000}, 10),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "x" * 40}]}]}, 17),
        (
            {
                "messages": [
                    {"role": "tool", "content": "x" * 40},
                    {"tool_calls": [{"function": {"arguments": "y" * 40}}]},
                ]
            },
            31,
        ),
        ({"messages": [{"content": [{"type": "image_url", "image_url": {"url": "data:" + "A" * 9999}}]}]}, 772),
        ({"messages": [{"content": [{"type": "image_url", "image_url": {"url": "u", "detail": "low"}}]}]}, 92),
        ({"input": [{"content": [{"type": "input_image", "image_url": "u", "detail": "low"}]}]}, 92),
        ({"messages": [{"content": [{"type": "input_audio", "input_audio": {"data": "A" * 9999}}]}]}, 7),
        ({}, 1),
        ({"input": ""}, 1),
    ],
)
def test_what_is_counted(body: object, tokens: int) -> None:
    """Text wherever it is, ready-made tokens, images at a fixed price; no sound, no `max_tokens`; never zero."""
    assert count(body) == tokens


@pytest.mark.parametrize("field", ["tools", "response_format"])
def test_schemas_count_by_their_json(field: str) -> None:
    """The model reads them as well; blanks and escapes in them are no text."""
    plain = b'{"prompt":"","%s":{"name":"0123456789"}}' % field.encode()
    spread = b'{"prompt":"","%s": {\n "name" : "\\u00301234567\\u00389" }}' % field.encode()
    assert (tally(plain), tally(spread)) == (6, 6)


@pytest.mark.parametrize("strange", [b"1e999", rb'"\ud800"', rb'"\udc00"', rb'"\ud800\ud800"'])
@pytest.mark.parametrize("field", [b"input", b"tools"])
def test_a_body_that_python_cannot_hold_counts_by_its_length(field: bytes, strange: bytes) -> None:
    """A number too large, half a character: valid JSON is never refused for its tokens."""
    body = b'{"%s":[%s,"' % (field, strange) + b"x" * 383 + b'"]}'
    assert tally(body) == len(body) // 4


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: (
        st.lists(children) | st.dictionaries(st.sampled_from(["type", "content", "image_url", "text", "x"]), children)
    ),
)


@given(st.dictionaries(st.sampled_from(["messages", "input", "prompt", "instructions", "tools"]), json_values))
def test_no_body_makes_it_raise(body: dict[str, object]) -> None:
    """Whatever the shape, the answer is a number above zero."""
    assert count(body) >= 1


def test_a_megabyte_of_one_letter_is_quick() -> None:
    """Exact counters choke on it; the estimate must not."""
    started = time.process_time()
    assert count({"input": "a" * 1_000_000}) == 250_000
    assert time.process_time() - started < 0.5


@given(st.dictionaries(st.sampled_from(["messages", "input", "prompt", "tools"]), json_values))
def test_no_text_that_is_weighed_is_empty(body: dict[str, object]) -> None:
    """So a counter gives each at least one token, and a request without texts has one of its own."""
    texts, tokens = weigh(json.dumps(body).encode())
    assert all(texts)
    assert texts or tokens >= 1


class _Recorded(EstimatedTokens):
    """Keeps what it was asked to count."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def count(self, texts: list[str]) -> int:
        self.asked.append(texts)
        return super().count(texts)


def test_requests_are_counted_together() -> None:
    """One call for many small ones, since a call costs more than they do; nothing is counted twice."""
    counter = _Recorded()
    tokens = TokenTally(counter)
    for number in range(50):
        tokens.add(b'{"prompt":"question %d"}' % number)

    assert (tokens.take(), tokens.take()) == (50 * 3, 0)
    assert [len(texts) for texts in counter.asked] == [50]


def test_what_waits_to_be_counted_is_bounded() -> None:
    """However many requests come before the next `take`."""
    counter = _Recorded()
    tokens = TokenTally(counter)
    for _ in range(100):
        tokens.add(b'{"prompt":"%s"}' % (b"x" * 10_000))

    assert tokens.take() == 100 * 2500
    assert max(sum(map(len, texts)) for texts in counter.asked) < HELD_CHARACTERS + 10_000


def test_a_tally_tells_how_it_counted() -> None:
    """As its counter does."""
    assert TokenTally(EstimatedTokens()).method is TokenMethod.ESTIMATE


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (1, 0, 1)),
        ({"max_tokens": 40}, (1, 40, 0)),
        ({"max_tokens": 40, "max_completion_tokens": 30, "n": 3}, (3, 90, 0)),
        ({"max_output_tokens": 20, "n": 2}, (2, 40, 0)),
        ({"n": 5}, (5, 0, 5)),
        ({"max_tokens": None, "n": None}, (1, 0, 1)),
        ({"max_tokens": "40", "n": 0}, (1, 0, 1)),
        ({"max_tokens": True, "n": -3}, (1, 0, 1)),
        ({"max_tokens": 10**12}, (1, 0, 1)),
    ],
)
def test_what_a_request_may_get_back(body: dict[str, Any], expected: tuple[int, int, int]) -> None:
    """So many answers, bounded or not; a bound that is none counts as none."""
    tokens = TokenTally(EstimatedTokens())
    tokens.add(json.dumps({"messages": [{"role": "user", "content": "hi"}], **body}).encode())

    assert tokens.answers == Answers(*expected)


def test_answers_of_several_requests() -> None:
    """They add up, also over what cannot be looked into; those without a bound are taken as expected."""
    tokens = TokenTally(EstimatedTokens())
    for body in (b'{"max_tokens": 7}', b'{"n": 2}', b'{"input": "\\ud800"}'):
        tokens.add(body)

    assert tokens.answers == Answers(4, 7, 3)
    assert tokens.answers.tokens(1.5) == 7 + 4
