"""Identifiers: one canonical form, every dialect's spelling of it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import created_at, derived_id, is_id, new_id, parse, to_base62, to_uuid

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
canonical = st.integers(0, (1 << 128) - 1).map("{:032x}".format)


@given(canonical)
def test_every_spelling_leads_back_to_the_same_id(value: str) -> None:
    """Bare hex, UUID in either case, base62, each with its prefix."""
    spellings = [value, to_uuid(value), to_uuid(value).upper(), to_base62(value)]
    assert {parse(f"file-{spelling}", "file-", "batch_") for spelling in spellings} == {value}


@given(st.lists(st.integers(0, 10**11), min_size=2), st.data())
def test_ids_sort_by_creation(offsets: list[int], data: st.DataObject) -> None:
    """By the millisecond, whatever the randomness."""
    times = [AT + timedelta(milliseconds=offset) for offset in sorted(offsets)]
    made = [new_id(time, data.draw(st.binary(min_size=10, max_size=10))) for time in times]
    assert [value[:12] for value in made] == sorted(value[:12] for value in made)


def test_an_id_has_the_layout_of_a_uuid7() -> None:
    """RFC 9562: time, version 7, variant 10."""
    made = uuid.UUID(new_id(AT, b"\xff" * 10))
    assert (made.version, made.variant, made.int >> 80) == (7, uuid.RFC_4122, int(AT.timestamp() * 1000))


def test_randomness_makes_ids_differ() -> None:
    """74 bits of it are used."""
    made = {new_id(AT, (1 << bit).to_bytes(10, "big")) for bit in range(74)}
    assert len(made) == 74


def test_a_derived_id_is_the_same_for_the_same_names() -> None:
    """A repeated activity makes the same record again."""
    assert derived_id(AT, "batch", "output") == derived_id(AT, "batch", "output")


@pytest.mark.parametrize(
    "other",
    [
        derived_id(AT, "batch", "error"),
        derived_id(AT, "batchoutput"),
        derived_id(AT + timedelta(seconds=1), "batch", "output"),
    ],
)
def test_a_derived_id_differs_with_any_argument(other: str) -> None:
    """Names do not run into each other."""
    assert derived_id(AT, "batch", "output") != other


@pytest.mark.parametrize("text", ["", "file-", "x" * 32, "A" * 32, "z" * 22, "0" * 21, "0" * 33, "é" * 22, "file-abc"])
def test_what_is_no_id_is_none(text: str) -> None:
    """Other lengths, other characters, more than 128 bits."""
    assert parse(text, "file-") is None


@pytest.mark.parametrize("value", [new_id(AT, bytes(10)), derived_id(AT, "a", "b"), new_id(AT, b"\xff" * 10)])
def test_an_id_tells_when_it_was_made(value: str) -> None:
    """Whatever its randomness."""
    assert created_at(value) == AT


@pytest.mark.parametrize("text", ["", "x", "file-" + "0" * 32, "0" * 31])
def test_what_is_no_id_tells_nothing(text: str) -> None:
    """ValueError, not some moment."""
    with pytest.raises(ValueError, match="is no id"):
        created_at(text)


@given(
    st.text(st.characters(exclude_categories=()))
    | st.text(st.sampled_from("0123456789abcdefABCDEFzZ-_/%\x00\u212a\u0660"))
)
def test_what_is_read_as_an_id_is_one(text: str) -> None:
    """Whatever is sent: 32 lower-case hex digits, or None. No other text reaches a store."""
    value = parse(text, "file-", "batch_")
    assert value is None or is_id(value)


@given(canonical)
def test_a_canonical_id_is_one(value: str) -> None:
    """And nothing that only resembles it."""
    assert is_id(value)
    assert not any(is_id(other) for other in (value[1:], value + "0", value + "\n", f"/{value[1:]}", value[1:] + "G"))
