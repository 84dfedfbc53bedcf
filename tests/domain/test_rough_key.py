"""Which lines validation takes to begin alike: those that lanes do, as a rule."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.domain.lines.prefix_key import LEAST_BYTES
from shared.domain.lines.rough_key import RoughKeys, rough_keys
from shared.domain.usage.tokens import weigh
from tests.domain.test_prefix_key import LONG, OTHER, chat, line


def keys(raw: bytes) -> RoughKeys:
    body: Any = msgspec.json.decode(raw)["body"]
    return rough_keys(weigh(msgspec.json.encode(body))[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (chat(LONG, "a"), chat(LONG, "b")),
        (chat("a", tools=[LONG]), chat("b", tools=[LONG])),
        (line(input="a", instructions=LONG), line(input="b", instructions=LONG)),
        (line(input=[{"content": LONG}, {"content": "a"}]), line(input=[{"content": LONG}, {"content": "b"}])),
        (chat([{"text": LONG}, {"text": "a"}]), chat([{"text": LONG}, {"text": "b"}])),
    ],
)
def test_prompts_that_begin_alike(one: bytes, other: bytes) -> None:
    """By all that comes before the last text."""
    assert keys(one).coarse == keys(other).coarse != 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (chat(LONG + "a"), chat(LONG + "b")),
        (chat(LONG, OTHER + "a"), chat(LONG, OTHER + "b")),
        (line(input=LONG + "a"), line(input=LONG + "b")),
        (line(prompt=LONG + "a"), line(prompt=LONG + "b", temperature=1)),
    ],
)
def test_long_last_texts_that_begin_alike(one: bytes, other: bytes) -> None:
    """By their beginnings."""
    assert keys(one).fine == keys(other).fine != 0


def test_prompts_that_begin_otherwise() -> None:
    """Wherever they differ, or are too short for any cache."""
    assert keys(chat(LONG + "a" + LONG, "a")).coarse != keys(chat(LONG + "b" + LONG, "a")).coarse
    assert keys(chat(LONG, "a")).coarse != keys(chat(OTHER, "a")).coarse
    assert keys(chat(LONG + "a")).fine != keys(chat(OTHER + "a")).fine
    assert keys(chat("x" * (LEAST_BYTES - 9), "a")) == keys(chat("a")) == keys(line(messages=5)) == RoughKeys(0, 0)
