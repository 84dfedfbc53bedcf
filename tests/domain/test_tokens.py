"""The estimate of input tokens."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.tokens import EstimatedTokens

CHAT = "/v1/chat/completions"


def count(body: object) -> int:
    return EstimatedTokens().count(CHAT, json.dumps(body).encode())


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
    assert EstimatedTokens().count("", plain) == EstimatedTokens().count("", escaped)


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
    """The model reads them as well."""
    assert EstimatedTokens().count(CHAT, b'{"prompt":"","%s":{"name":"0123456789"}}' % field.encode()) == 6


def test_a_body_with_a_number_beyond_python_counts_by_its_length() -> None:
    """Valid JSON is never refused for its tokens."""
    body = b'{"input":[1e999,"' + b"x" * 383 + b'"]}'
    assert EstimatedTokens().count("", body) == len(body) // 4


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
