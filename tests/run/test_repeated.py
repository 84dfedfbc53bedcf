"""A storage call that is one of very many."""

from __future__ import annotations

import asyncio

import pytest

from shared.domain.errors import NotFound, Unavailable
from shared.run.repeated import TRIES, repeated


class Call:
    """It fails as often as is said, then answers."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.made = 0
        self._failures = failures
        self._error = error

    async def __call__(self) -> str:
        self.made += 1
        if self.made <= self._failures:
            raise self._error
        return "answer"


@pytest.mark.parametrize("failures", range(TRIES))
def test_it_answers_where_one_try_does(failures: int) -> None:
    """And is made no more often than that takes."""
    call = Call(failures, Unavailable("gone"))

    assert (asyncio.run(repeated(call)), call.made) == ("answer", failures + 1)


def test_the_last_failure_is_raised() -> None:
    call = Call(TRIES, Unavailable("gone"))
    with pytest.raises(Unavailable):
        asyncio.run(repeated(call))

    assert call.made == TRIES


def test_a_refusal_is_an_answer() -> None:
    """What is not there will not be there at once."""
    call = Call(1, NotFound("no such blob"))
    with pytest.raises(NotFound):
        asyncio.run(repeated(call))

    assert call.made == 1
