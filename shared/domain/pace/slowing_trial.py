"""Whether an upstream refuses less when it is asked more slowly. Where it does not, it refuses by chance.

A lane goes as fast as answers have come back, and keeps to that. At a limit nothing more is refused then; by chance as
large a share as before. Pure: `now` is in monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

_REFUSALS_BEFORE: Final = 5  # As many tell what share is refused.
_SECONDS_BEFORE: Final = 30.0  # What was longer ago tells nothing of now,
_ANSWERS_BEFORE: Final = 100  # but so few do not come sooner.
_EXPECTED: Final = 8.0  # Refusals by chance after which a trial is over,
_MOST_SECONDS: Final = 30.0  # or this time.
_MOST_SHARE: Final = 0.5  # Who refuses more is left in peace, chance or not.
_LIKE_CHANCE, _MORE_THAN_CHANCE = 0.5, 2.0  # Times as many as were expected.


class Verdict(Enum):
    CHANCE = "as much is refused as before"
    LIMIT = "hardly anything is refused"
    NEITHER = "more is refused than before, or most"


@dataclass
class _Phase:
    began: float
    answers: int = 0
    refused: int = 0

    @property
    def share(self) -> float:
        return self.refused / max(1, self.answers)


class SlowingTrial:
    """`count` every answer. When it `is_ready`, `begin` where the lane is slowed down; then ask for the `verdict`."""

    def __init__(self) -> None:
        self.is_on = False
        self._phase: _Phase | None = None
        self._share: float | None = None  # That was refused, when enough were for the last time.

    def count(self, now: float, *, refused: bool) -> None:
        phase = self._phase
        if phase is None or (
            not self.is_on and now - phase.began > _SECONDS_BEFORE and phase.answers >= _ANSWERS_BEFORE
        ):
            self._share = phase.share if phase and phase.refused >= _REFUSALS_BEFORE else None
            phase = self._phase = _Phase(now)
        phase.answers += 1
        phase.refused += refused

    @property
    def is_ready(self) -> bool:
        """Whether enough is known of what is refused now."""
        return self._share is not None or (self._phase is not None and self._phase.refused >= _REFUSALS_BEFORE)

    @property
    def share(self) -> float:
        """That was refused in the last trial."""
        return self._share or 0.0

    def begin(self, now: float) -> None:
        if self._phase is not None and self._phase.refused >= _REFUSALS_BEFORE:
            self._share = self._phase.share
        self._phase, self.is_on = _Phase(now), True

    def verdict(self, now: float) -> Verdict | None:
        """Of a trial that is on; None while it is too early. Counting begins anew with it."""
        phase = self._phase
        if not self.is_on or phase is None:
            return None
        expected = phase.answers * (self._share or 0.0)
        if phase.refused > _MORE_THAN_CHANCE * max(expected, _EXPECTED):
            found = Verdict.NEITHER
        elif expected < _EXPECTED and now - phase.began < _MOST_SECONDS:
            return None
        elif phase.share > _MOST_SHARE:
            found = Verdict.NEITHER
        else:
            found = Verdict.CHANCE if phase.refused >= _LIKE_CHANCE * expected else Verdict.LIMIT
        self._share = phase.share if phase.refused >= _REFUSALS_BEFORE else None
        self._phase, self.is_on = _Phase(now), False
        return found
