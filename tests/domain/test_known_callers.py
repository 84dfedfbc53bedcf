"""Callers who are remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.keys.caller import ADMINISTRATOR, Caller
from shared.domain.keys.known_callers import LIFE, KnownCallers

NOW = datetime(2026, 11, 27, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def known(*digests: bytes, expires_at: datetime | None = None, most: int = 3) -> KnownCallers:
    callers = KnownCallers(most)
    for digest in digests:
        callers.put(digest, ADMINISTRATOR, NOW, expires_at, callers.epoch)
    return callers


def found(callers: KnownCallers, at: datetime = NOW) -> list[bytes]:
    return [digest for digest in (b"a", b"b", b"c", b"d") if callers.get(digest, at)]


@pytest.mark.parametrize(
    ("at", "is_known"),
    [(NOW, True), (NOW + LIFE - SECOND, True), (NOW + LIFE, False), (NOW - SECOND, False), (NOW + 9 * LIFE, False)],
)
def test_how_long_somebody_is_known(at: datetime, is_known: bool) -> None:
    """From then on for the time of `LIFE`, by whatever the clock says."""
    assert found(known(b"a"), at) == ([b"a"] if is_known else [])


def test_nobody_is_known_past_the_end_of_the_key() -> None:
    """It ends at its moment."""
    callers = known(b"a", expires_at=NOW + SECOND)

    assert (found(callers, NOW), found(callers, NOW + SECOND)) == ([b"a"], [])


def test_there_is_a_bound() -> None:
    """Who came first goes first; who comes again comes last."""
    callers = known(b"a", b"b", b"c", b"a", b"d")

    assert found(callers) == [b"a", b"c", b"d"]


def test_forgetting_all() -> None:
    """At once."""
    callers = known(b"a", b"b")
    callers.forget_all()

    assert found(callers) == []


def test_what_was_read_before_all_were_forgotten_is_not_kept() -> None:
    """It may be what has just been revoked."""
    callers = known(b"a")
    epoch = callers.epoch
    callers.forget_all()
    callers.put(b"b", ADMINISTRATOR, NOW, None, epoch)
    callers.put(b"c", ADMINISTRATOR, NOW, None, callers.epoch)

    assert found(callers) == [b"c"]


def test_the_newest_counts() -> None:
    """A key that is looked up again may have other scopes."""
    callers, other = known(b"a"), Caller(name="other", scopes=frozenset())
    callers.put(b"a", other, NOW, None, callers.epoch)

    assert callers.get(b"a", NOW) is other
