"""A JSON object taken apart as it arrives: the same parts however it is cut, and nothing of what is no JSON object."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import msgspec
import pytest

from api.edge.json_stream import Begin, Item, Member, read_object
from shared.domain.errors import InvalidRequest

OBJECT = {
    "endpoint": "/v1/chat/completions",
    'a "quoted" \\ [name] {': {"x": ["]", "}", '"', "\\", '\\"', "ä"], "y": -1.5e9},
    "items": [{"a": [1, {"b": "]}"}]}, 'text, with " and \\', 12, True, None, [], {}, [[[]]], -0.5],
    "n": None,
    "last": 7,
}


async def cut(text: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


async def parts(text: bytes, size: int = 1_000, **bounds: int) -> list[Member | Begin | Item]:
    most = {"most_bytes": 1_000, "most_item_bytes": 1_000} | bounds
    return [part async for part in read_object(cut(text, size), "items", **most)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 10_000])
@pytest.mark.parametrize("indent", [None, 2])
async def test_an_object_is_the_same_however_it_is_cut(size: int, indent: int | None) -> None:
    """Also inside an escape, a name or a number, and with white space around everything."""
    found = await parts(b"\xef\xbb\xbf \n" + json.dumps(OBJECT, indent=indent).encode() + b"\n ", size)
    members = {part.name: msgspec.json.decode(part.value) for part in found if isinstance(part, Member)}
    items = [msgspec.json.decode(part.value) for part in found if isinstance(part, Item)]
    assert members | {"items": items} == OBJECT
    assert found.index(Begin()) == 2


@pytest.mark.parametrize(("text", "count"), [(b"{}", 0), (b'{"items":[]}', 1), (b'{"items":null}', 1)])
async def test_little_is_an_object_too(text: bytes, count: int) -> None:
    """Without members, without items, and with no array."""
    assert len(await parts(text)) == count


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"nope",
        b"{",
        b'{"a"',
        b'{"a":',
        b'{"a":1',
        b'{"a":1,}',
        b'{"a" 1}',
        b'{"a":1 "b":2}',
        b"{1:2}",
        b'{"a":1}{}',
        b'{"items":[1',
        b'{"items":[1 2]}',
        b'{"items":[{"a":1}',
        b'{"items":["a',
        b'{"items":["a\\',
    ],
)
@pytest.mark.parametrize("size", [1, 100])
async def test_what_is_no_object_is_refused(text: bytes, size: int) -> None:
    """As soon as it is seen."""
    with pytest.raises(InvalidRequest, match="is not valid JSON"):
        await parts(text, size)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b'{"a":"' + b"x" * 1_000 + b'"}', "larger than 1000 bytes beside its 'items'"),
        (b'{"a":' + b"1" * 1_001 + b"}", "larger than 1000 bytes"),
        (b"{" + b",".join([b'"a":"' + b"x" * 90 + b'"'] * 12) + b"}", "larger than 1000 bytes"),
        (b'{"items":[1,"' + b"x" * 1_000 + b'"]}', r"items\[1\] is longer than the maximum of 1,000"),
        (b'{"items":[[' + b"[]," * 5_000, r"items\[0\] is longer"),
        (b'{"items":[[' + b"[" * 5_000, "nests deeper than 256 levels"),
    ],
)
@pytest.mark.parametrize("size", [100, 10_000])
async def test_values_are_bounded(text: bytes, what: str, size: int) -> None:
    """The members together, and each item."""
    with pytest.raises(InvalidRequest, match=what):
        await parts(text, size)


async def test_a_long_string_costs_time_in_proportion_to_its_length() -> None:
    """Read again from its beginning at each piece, this one would take hours."""
    found = await parts(b'{"items":["' + b"\\n" * 4_000_000 + b'"]}', 64, most_item_bytes=9_000_000)
    assert isinstance(found[-1], Item)
    assert len(found[-1].value) == 8_000_002
