"""Whether going slower helps: Wald's sequential test on requests at a rate that the upstream has borne before.

At a limit hardly any of them is refused, and where refusals do not depend on the rate, as many as before. Each request
speaks for the one or the other; the trial goes on until enough of them have.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Final

from shared.domain.pace.sends import Tally

_FEW: Final = 0.05  # Refused where it helps, at most.
_LEAST_OFTEN: Final = 0.125
_SHRUNK: Final = 1.5  # A share that has set off a trial is likely to have been high by chance.
_ENOUGH: Final = 4.0  # Odds of e to the fourth.
_MOST: Final = 6.0
_LEAST_SENT: Final = 12
_LESS, _MORE = 0.4, 0.25  # Of the share before, and besides it: what is about as much,
_MOST_BY_CHANCE: Final = 0.75  # and not more than so much.


class SlowingTrial:
    """`sent` and `refused` for each request; `share` of them was refused when the rate was higher."""

    def __init__(self, share: float) -> None:
        often = max(_LEAST_OFTEN, share / _SHRUNK)
        self._by_refusal = log(often / _FEW)
        self._by_other = log((1 - often) / (1 - _FEW))
        self._before = share
        self._in_vain = 0.0
        self._tally = Tally()

    @property
    def helps(self) -> bool:
        return self._in_vain <= -_ENOUGH

    @property
    def is_in_vain(self) -> bool:
        """About as much is refused as before."""
        return self._is_refused_often and self._is_as_before

    @property
    def is_still_too_fast(self) -> bool:
        """Much is refused, but less than before, or more: it depends on the rate, which is still above the limit."""
        return self._is_refused_often and self._tally.sent >= 2 * _LEAST_SENT and not self._is_as_before

    @property
    def _is_refused_often(self) -> bool:
        return self._in_vain >= _ENOUGH and self._tally.sent >= _LEAST_SENT

    @property
    def _is_as_before(self) -> bool:
        return _LESS * self._before <= self.share <= min(_MOST_BY_CHANCE, self._before + _MORE)

    @property
    def share(self) -> float:
        """That was refused."""
        return self._tally.share

    @property
    def error(self) -> float:
        """By how much `share` may be wrong."""
        return 0.5 / sqrt(max(1.0, self._tally.sent))

    def sent(self) -> None:
        self._tally.sent += 1
        self._in_vain += self._by_other

    def refused(self) -> None:
        """One of those that were sent."""
        self._tally.refused += 1
        self._in_vain = min(_MOST, self._in_vain + self._by_refusal - self._by_other)
