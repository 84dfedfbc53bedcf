"""Peppers: which there are, and which new keys get."""

from __future__ import annotations

import pytest

from shared.domain.errors import WrongState
from shared.domain.keys.pepper import Peppers, parse_peppers, pepper_for_new
from shared.environment import parse_settings
from shared.settings import Settings

NEW, OLD = "n" * 32, "o" * 64


def test_the_first_is_for_new_keys() -> None:
    """The order is that of the setting; the others are found by name."""
    settings = parse_settings({"BATCH_KEY_PEPPERS": f"2026-12:{NEW}, first:{OLD},"})

    assert pepper_for_new(settings) == ("2026-12", NEW.encode())
    assert dict(settings.peppers) == {"2026-12": NEW.encode(), "first": OLD.encode()}


def test_a_secret_may_hold_colons() -> None:
    """The first colon ends the name."""
    assert parse_peppers(f"a:{NEW}:x=/+")["a"] == f"{NEW}:x=/+".encode()


@pytest.mark.parametrize("settings", [Settings(), parse_settings({}), parse_settings({"BATCH_KEY_PEPPERS": " , "})])
def test_without_one_no_key_is_made(settings: Settings) -> None:
    """The sentence says what to set, and for whom."""
    with pytest.raises(WrongState, match="operator must set BATCH_KEY_PEPPERS to `1:SECRET`") as caught:
        pepper_for_new(settings)

    assert caught.value.code == "key_pepper_missing"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (NEW, "entry 1 has no name"),
        (f":{NEW}", "entry 1 has no name"),
        (f"a:{NEW},b c:{OLD}", "entry 2 has no name"),
        (f"{'a' * 41}:{NEW}", "entry 1 has no name"),
        (f"a:{NEW},a:{OLD}", "'a' is there twice; a new pepper needs a new name"),
        ("a:", "the secret of 'a' cannot be used: expected 32 characters or more"),
        (f"a:{NEW[1:]}", "the secret of 'a' cannot be used: expected 32 characters or more"),
        (f"a:{NEW} {NEW}", "the secret of 'a' cannot be used"),
        (f"a:{NEW}ü", "the secret of 'a' cannot be used"),
    ],
)
def test_what_cannot_be_one_is_told_without_it(text: str, sentence: str) -> None:
    """Which entry it is, and what to write; no part of a secret."""
    with pytest.raises(ValueError) as caught:
        parse_peppers(text)

    assert str(caught.value).startswith(sentence)
    assert NEW[:8] not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    """Names are."""
    assert repr(parse_peppers(f"new:{NEW},old:{OLD}")) == str(Peppers({"new": b"", "old": b""})) == "Peppers(new, old)"
