"""Which prompts begin alike, as far as a cache can use it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.domain.lines.prefix_key import LEAST_BYTES, prefixes_of

LONG = "x" * LEAST_BYTES
OTHER = "y" * LEAST_BYTES


def line(custom_id: str = "c", **body: Any) -> bytes:
    return msgspec.json.encode({"custom_id": custom_id, "method": "POST", "url": "/v1/…", "body": body})


def chat(*contents: Any, **body: Any) -> bytes:
    return line(messages=[{"role": "user", "content": content} for content in contents], **body)


def alike(*lines: bytes) -> bool:
    """Whether they all have the same prefix."""
    first, *others = prefixes_of(lines)
    return first is not None and all(other == first for other in others)


@pytest.mark.parametrize(
    "lines",
    [
        (chat(LONG, "a"), chat(LONG, "b")),
        (chat("a", tools=[LONG]), chat("b", tools=[LONG])),
        (chat("a", system=LONG), chat("b", system=LONG)),
        (chat(LONG + "a"), chat(LONG + "b")),
        (chat("z", LONG + "a"), chat("z", LONG + "b")),
        (chat(LONG, OTHER + "a"), chat(LONG, OTHER + "b")),
        (line(input="a", instructions=LONG), line(input="b", instructions=LONG)),
        (line(input=[{"content": LONG}, {"content": "a"}]), line(input=[{"content": LONG}, {"content": "b"}])),
        (line(input=LONG + "a"), line(input=LONG + "b")),
        (line(prompt=LONG + "a"), line(prompt=LONG + "b", temperature=1)),
        (chat(LONG, f"{OTHER}a"), chat(LONG, f"a{OTHER}")),
    ],
)
def test_prompts_that_begin_alike(lines: tuple[bytes, bytes]) -> None:
    """By tools, instructions, all messages but the last, and the beginning of a long last one where others share it."""
    assert alike(*lines)


@pytest.mark.parametrize(
    "lines",
    [
        (chat(LONG, "a"), chat(OTHER, "a")),
        (chat(LONG, "a"), chat(LONG, "a", tools=[1])),
        (chat(LONG), chat(OTHER)),
        (chat("short", "a"), chat("short", "b")),
        (line(input="a"), line(input="a")),
        (b"no JSON", b"no JSON"),
        (line(messages=5), line(messages=5)),
        (line(messages=[]), line(messages=[])),
        (line(messages=None), line(messages=None)),
    ],
)
def test_prompts_that_do_not(lines: tuple[bytes, bytes]) -> None:
    """What differs, what is too short to be worth a leader, and what is no prompt."""
    assert not alike(*lines)


def test_the_finer_beginning_counts_where_it_is_shared() -> None:
    """Two documents under one system's message are two prefixes."""
    found = prefixes_of([chat(LONG, f"{end}{OTHER} {number}") for number in range(2) for end in "ab"])
    assert len(set(found)) == 2
    assert found[:2] == found[2:]


def test_every_process_makes_the_same_of_it() -> None:
    """Lanes in several processes agree, and whatever is kept of a key holds there too."""
    assert prefixes_of([chat(LONG, "a")]) == [15220112655765253615]
    assert prefixes_of([chat(LONG + "a"), chat(LONG + "b")]) == [12960903316273068952] * 2
