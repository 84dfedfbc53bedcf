"""Whether a batch would miss its deadline at the rate it has had, and so needs more of its project's share. Pure.

Rule of this file: judged when a slice begins, from what its lane has read anyway; the verdict stands in its heartbeats.
"""

from __future__ import annotations

from typing import Final

import msgspec

_MARGIN: Final = 0.75  # Of the time left, what the rest may take: less than what the first in need is given at least.
_SPARE: Final = 1 / 16  # Of all its time, and a slice at least: so long before its deadline a batch is meant to end.
_EARLY: Final = 32  # Before this part of the time left has passed, a rate says nothing.


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a batch: `done` after `elapsed_seconds` of work, and `left` for the remaining time.

    What is found stands for `slice_seconds`.
    """

    done: int
    left: int
    elapsed_seconds: float
    remaining_seconds: float | None
    slice_seconds: float


def is_at_risk(pace: Pace) -> bool:
    """By the mean rate since work began, which is never more than all of the deployment can do."""
    remaining, elapsed = pace.remaining_seconds, pace.elapsed_seconds
    if remaining is None or remaining <= 0 or not pace.left or elapsed * _EARLY < remaining:
        return False
    until_target = max(0.0, remaining - max(pace.slice_seconds, _SPARE * (elapsed + remaining)))
    return pace.left * elapsed > _MARGIN * until_target * pace.done
