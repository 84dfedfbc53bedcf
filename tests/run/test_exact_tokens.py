"""Exact token counts, on the real vocabularies."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.deployments.deployment import Deployment
from shared.domain.usage.tokens import EstimatedTokens, TokenMethod, TokenTally
from shared.exact_tokens import CountTexts, ExactTokens, counter_for

O200K, CL100K, ESTIMATE = TokenMethod.O200K_BASE, TokenMethod.CL100K_BASE, TokenMethod.ESTIMATE
EXACT = [O200K, CL100K]


def counted(body: object, method: TokenMethod = O200K) -> int:
    """As the validation pass counts it; exactly, or the test fails."""
    tally = TokenTally(ExactTokens(method))
    tally.add(json.dumps(body).encode())
    tokens = tally.take()
    assert tally.method is method
    return tokens


@pytest.mark.parametrize("method", EXACT)
def test_the_vendors_example_is_exact(method: TokenMethod) -> None:
    """The Azure how-to's batch: its answers report 27 prompt tokens."""
    messages = [
        {"role": "system", "content": "You are an AI assistant that helps people find information."},
        {"role": "user", "content": "When was Microsoft founded?"},
    ]
    assert counted({"model": "gpt-4o", "messages": messages}, method) == 27


@pytest.mark.parametrize(
    ("text", "o200k", "cl100k"),
    [
        ("hello world", 2, 2),
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 8, 9),
        ("🧠", 3, 3),
        ("<|endoftext|>", 7, 7),
        ("\0", 1, 1),
        (" " * 1_000_000, 7813, 7813),
        ("a" * 1_000_000, 125_000, 125_000),
    ],
)
def test_known_counts(text: str, o200k: int, cl100k: int) -> None:
    """tiktoken's numbers. Control tokens in a prompt are text; a million blanks are counted, not choked on."""
    assert (counted({"input": text}), counted({"input": text}, CL100K)) == (o200k, cl100k)


@pytest.mark.parametrize(
    "text",
    ["' ", " \n", "\u0301a", "\U0001f468\u200d", "\ufdfa", "'s", "A1", "/\r\n", "漢", "\ud7ff\ue000", "\x7f\x80"],
)
def test_long_runs_are_quick(text: str) -> None:
    """A file of one pattern does not hold a worker up."""
    started = time.process_time()
    assert counted({"input": text * (1_000_000 // len(text))}) > 10_000
    assert time.process_time() - started < 5


texts = st.text() | st.text(st.sampled_from(" \n'a漢🧠\u0301\ud800"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda children: (
        st.lists(children) | st.dictionaries(st.sampled_from(["type", "content", "image_url", "text", "x"]), children)
    ),
)


@settings(max_examples=50)
@given(
    st.lists(st.dictionaries(st.sampled_from(["messages", "input", "prompt", "instructions", "tools"]), json_values))
)
def test_no_body_makes_it_raise(bodies: list[dict[str, object]]) -> None:
    """Whatever the shape, half characters among it: every request is at least one token."""
    tally = TokenTally(ExactTokens(O200K))
    for body in bodies:
        tally.add(json.dumps(body).encode())
    assert tally.take() >= len(bodies)
    assert tally.method is O200K


class _Panic(BaseException):
    """As compiled code raises it: no Exception."""


def _absent() -> CountTexts:
    raise ImportError("no build for this platform")


def _broken(error: BaseException) -> Callable[[], CountTexts]:
    def count(texts: list[str], vocabulary: str, threads: int) -> list[int]:
        raise error

    return lambda: count


@pytest.mark.parametrize(
    "load",
    [_absent, _broken(KeyError("unknown encoding")), _broken(MemoryError()), _broken(_Panic("index out of bounds"))],
)
def test_what_cannot_be_counted_is_estimated(load: Callable[[], CountTexts], caplog: pytest.LogCaptureFixture) -> None:
    """The file is not refused for it; the counter tells it, and the log tells it once."""
    counter = ExactTokens(CL100K, load)
    with caplog.at_level(logging.WARNING):
        found = [counter.count(["x" * 40, "y" * 10]) for _ in range(3)]

    assert (found, counter.method) == ([13, 13, 13], ESTIMATE)
    assert [record.getMessage() for record in caplog.records] == [
        "Tokens of a file are estimated, because toktok-rs cannot count them."
    ]


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit()])
def test_whoever_stops_the_process_is_heard(stop: BaseException) -> None:
    """Those two are no fault of the package."""
    with pytest.raises(type(stop)):
        ExactTokens(O200K, _broken(stop)).count(["x"])


def test_a_deployment_is_counted_by_its_model() -> None:
    """With the vocabulary of its model, or by estimate."""
    known = Deployment(name="chat", base_url="http://upstream", model="gpt-4o")
    unknown = Deployment(name="small", base_url="http://upstream")

    assert counter_for(known).method is O200K
    assert isinstance(counter_for(unknown), EstimatedTokens)


def test_an_idle_worker_has_no_vocabulary() -> None:
    """Importing the service, and naming a counter, loads nothing."""
    program = (
        "import sys, shared.services, shared.exact_tokens as e; e.ExactTokens('o200k_base');"
        "sys.exit('toktok' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=False).returncode == 0
