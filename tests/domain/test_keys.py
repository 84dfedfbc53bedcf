"""Who gets in."""

from __future__ import annotations

import pytest

from shared.domain.errors import Unauthenticated
from shared.domain.keys.caller import Caller, authenticate


@pytest.mark.parametrize("presented", [["right"], ["wrong", "right"], ["right", "wrong"], ["", "right"]])
def test_one_valid_key_is_enough(presented: list[str]) -> None:
    """SDKs send the key in two headers, or a token beside it (contract 6.3)."""
    assert authenticate("right", presented) == Caller(owner="default")


@pytest.mark.parametrize(
    "presented", [["wrong"], ["right "], ["Right"], ["righ"], ["wrong", "worse"], ["\udc80"], ["ключ"]]
)
def test_no_valid_key_is_refused(presented: list[str]) -> None:
    """Anything but the exact key."""
    with pytest.raises(Unauthenticated) as caught:
        authenticate("right", presented)

    assert caught.value.code == "invalid_api_key"


@pytest.mark.parametrize("presented", [[], [""], ["", ""]])
def test_no_key_is_refused(presented: list[str]) -> None:
    """The message says how to send one."""
    with pytest.raises(Unauthenticated, match="Send your key as"):
        authenticate("right", presented)


@pytest.mark.parametrize("presented", [["x"], [""], []])
def test_a_service_without_a_key_lets_nobody_in(presented: list[str]) -> None:
    """No bootstrap key, no service."""
    with pytest.raises(Unauthenticated):
        authenticate("", presented)


def test_the_presented_key_is_not_in_the_message() -> None:
    """A key that is nearly right must not end up in someone's log."""
    with pytest.raises(Unauthenticated) as caught:
        authenticate("right", ["nearly-right"])

    assert "nearly-right" not in caught.value.message
