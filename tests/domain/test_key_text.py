"""The text of a key: what is one of ours, and what is stored of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import ids
from shared.domain.keys.key_text import SECRET_BYTES, digest_of, parse_key, write_key

ID = ids.new_id(datetime(2026, 11, 27, tzinfo=UTC), bytes(range(10)))
TEXT = write_key(ID, bytes(range(SECRET_BYTES)))
PEPPER = b"a pepper"


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES), st.booleans())
def test_what_is_written_is_read(low: bytes, secret: bytes, is_admin: bool) -> None:
    """Every id and secret."""
    key_id = ids.new_id(datetime(2026, 11, 27, tzinfo=UTC), low)
    text = write_key(key_id, secret, is_admin=is_admin)

    key = parse_key(text)

    assert key is not None
    assert (key.id, key.is_admin) == (key_id, is_admin)
    assert text.startswith("dba_" if is_admin else "dbk_")
    assert text[4:].isalnum()


@pytest.mark.parametrize("index", range(len(TEXT)))
def test_one_wrong_character_is_no_key(index: int) -> None:
    """Wherever it is: no store is asked for a key that was mistyped."""
    wrong = "x" if TEXT[index] != "x" else "y"

    assert parse_key(TEXT[:index] + wrong + TEXT[index + 1 :]) is None


@pytest.mark.parametrize(
    "text", ["", "dbk_", TEXT[:-1], TEXT + "0", TEXT + "\n", f" {TEXT}", TEXT.replace("dbk", "dba")]
)
def test_anything_else_is_no_key(text: str) -> None:
    """Cut short, with more at its end, or of the other kind."""
    assert parse_key(text) is None


def test_the_digest_is_bound_to_secret_id_kind_and_pepper() -> None:
    """A digest that was copied into another row opens nothing there."""
    key = parse_key(TEXT)
    assert key is not None
    others = [key._replace(secret="0" * 43), key._replace(id="0" * 32), key._replace(is_admin=True)]

    digests = {digest_of(each, PEPPER) for each in (key, *others)} | {digest_of(key, b"another")}

    assert len(digests) == 5
    assert digest_of(key, PEPPER) == digest_of(key, PEPPER)
    assert all(len(digest) == 64 for digest in digests)


def test_the_secret_is_never_shown() -> None:
    """In a log, a traceback or a message."""
    key = parse_key(TEXT)
    assert key is not None

    assert key.secret not in f"{key!r} {key} {[key]}"
