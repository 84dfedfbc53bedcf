"""What validation accepts, every later reader reads: to the same bytes, and to the values that Python's json finds.

Judge, plan, lane, end of a run, retry and the counters meet the same nasty line: equal keys, escapes, white space of
all kinds, nesting, numbers and text at the limits.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.batches.batch import Refused
from shared.domain.batches.chunk import PlannedChunk
from shared.domain.lines.request_line import custom_id_of, read_line, with_model
from shared.domain.lines.result_line import NeverRan, never_ran_line
from shared.domain.lines.retry_lines import RetryLines
from shared.domain.usage.embedding_inputs import count_inputs
from shared.domain.usage.expected_load import expect_load
from shared.domain.usage.tokens import EstimatedTokens, weigh
from shared.domain.validation.input_scan import InputScan
from shared.domain.validation.line_rules import LineRules
from shared.domain.vendors.vendor import Vendor
from shared.run.chunks.plan import read_lines
from tests.domain.test_input_scan import CHAT, RULES, rules

ODD = "\x0b\x0c\x1c\x1f\x85\u2028"
TEXTS = [
    "custom_id",
    "method",
    "url",
    "body",
    "model",
    "stream",
    "messages",
    "POST",
    CHAT,
    "small",
    "",
    "\x00",
    "😀",
    ODD,
]
VALUES = [
    *("5", "null", "true", "[]", "{}", "-0.0", "1e999", "9" * 400, "18446744073709551617", '"\\ud83d\\ude00"', '"\\/"'),
    *("[" * depth + "]" * depth for depth in (250, 254)),
    '{"a":' * 254 + "1" + "}" * 254,
]
BROKEN = [
    *('"\\ud83d"', '"\\ude00\\ud83d"', "NaN", "01", '"\\x"', "tru", '"\x01"', "[1,]", "[" * 2000 + "]" * 2000),
    *("[" * depth + "]" * depth for depth in (255, 256, 257)),
]
blanks = st.sampled_from([*(["", " ", "\t", "\r "] * 20), "\x0b", "\x0c", "\x1c", "\x85", "\ufeff", "\xa0"])


@st.composite
def strings(draw: st.DrawFn, text: str | None = None) -> str:
    """A JSON string, each character as it is or escaped."""
    text = draw(st.sampled_from(TEXTS) | st.text(max_size=5)) if text is None else text
    escaped = draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    parts = [
        _escaped(c) if escape else json.dumps(c, ensure_ascii=False)[1:-1]
        for c, escape in zip(text, escaped, strict=True)
    ]
    return f'"{"".join(parts)}"'


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


values = strings() | st.sampled_from(VALUES * 10 + BROKEN)


@st.composite
def objects(draw: st.DrawFn, fields: dict[str, str]) -> str:
    """An object with these fields, others in between, and some of the fields twice, the right one first or last."""
    names = st.sampled_from([*fields, *fields, "x"])
    before = draw(st.lists(st.tuples(names, values), max_size=3))
    after = draw(st.lists(st.tuples(names, values), max_size=1))
    pairs = [*before, *draw(st.permutations(list(fields.items()))), *after]
    gaps = draw(st.lists(blanks, min_size=4, max_size=4))
    written = [f"{draw(strings(name))}{gaps[0]}:{gaps[1]}{value}" for name, value in pairs]
    return "{" + gaps[2] + f"{gaps[3]},".join(written) + "}"


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    body = draw(objects({"model": draw(strings("small")), "messages": draw(values)}))
    custom_id = draw(strings() | strings("x"))
    line = draw(objects({"custom_id": custom_id, "method": '"POST"', "url": draw(strings(CHAT)), "body": body}))
    return f"{draw(blanks)}{line}{draw(blanks)}".replace("\n", " ").encode("utf-8", "surrogatepass")


class Blob:
    """A file of which ranges are read."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        yield self._data[start:][:length]


def chunk_of(file: bytes) -> PlannedChunk | None:
    scanned = InputScan(rules())
    scanned.feed(file)
    outcome = scanned.finish()
    return None if isinstance(outcome, Refused) else outcome.plan.chunks[0]


def decoded(raw: bytes) -> Any:
    return json.loads(raw, parse_int=str, parse_float=str)


GOOD = b'"method":"POST","url":"/v1/chat/completions","body":{"model":"small","messages":[]}}'


@given(
    lines(),
    st.sampled_from([b"", b"\n", b" \t\r\n\n", b"\x0b\n", b"\x0c \n \n"]),
    st.sampled_from([b"", b"\n", b"\r\n \x0c"]),
)
@example(b'{"custom_id":5,"custom_id":"x",' + GOOD, b"", b"")
@example(b'{"custom_id":"x","url":null,"method":[],' + GOOD, b"", b"")
@example(b'\x0b{"custom_id":"x",' + GOOD, b"", b"")
@example(b'{"custom_id":"x",' + GOOD + b"\x0c", b"", b"")
@example(b'{"custom_id":"x","body":5,' + GOOD.replace(b'"small"', b'5,"model":"small"'), b" \n", b"\r\n")
def test_what_validation_accepts_every_reader_reads(line: bytes, before: bytes, after: bytes) -> None:
    """Number, bytes, custom_id, url and body are one and the same, whoever asks."""
    file = before + line + after
    custom_id_of(line).encode()
    expect_load(file, len(file), EstimatedTokens())
    chunk = chunk_of(file)
    if chunk is None:
        return
    wanted = decoded(line)
    ((number, raw),) = (lines := asyncio.run(read_lines(Blob(file), "in", chunk))).items()
    assert chunk.holds([*lines.values()])
    assert (number, raw) == (before.count(b"\n") + 1, line.strip())
    found = read_line(raw)
    assert (found.custom_id, found.url) == (wanted["custom_id"], wanted["url"]) == (custom_id_of(raw), CHAT)
    assert decoded(found.body) == wanted["body"]
    assert decoded(with_model(found.body, "real")) == wanted["body"] | {"model": "real"}
    assert found.body == LineRules(
        vendor=Vendor.OPENAI, endpoint=CHAT, deployments=RULES.deployments, access=RULES.access
    ).check(line, 1)
    retry = RetryLines(lambda _: True)
    retry.fail(
        never_ran_line(Vendor.AZURE, request_line_id="x", custom_id=found.custom_id, code=NeverRan.BATCH_EXPIRED)
    )
    assert retry.select(file) + retry.rest() == raw + b"\n"
    assert count_inputs(found.body) == 1
    assert weigh(found.body)


def test_most_of_these_lines_are_accepted() -> None:
    """Else the test above would hold of nothing."""
    seen: list[bool] = []

    @given(lines())
    def collect(line: bytes) -> None:
        seen.append(chunk_of(line) is not None)

    collect()
    assert 10 < sum(seen) < len(seen) - 10
