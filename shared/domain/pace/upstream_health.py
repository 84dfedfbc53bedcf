"""Whose fault a failed attempt is: the line's, which has few attempts, or the upstream's, for which there is patience.

One lane, one slice. Rules: no line pays for what no request can cause, nor for what befalls every line alike; and an
upstream found sick is left alone, then asked by one request at a time until it answers again.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum, auto
from typing import Final

import msgspec

# So many of one line, none of any line answered in between: the upstream refuses everybody. Where there are other
# targets, so many of any lines: those go elsewhere and do not come back.
REFUSALS: Final = 10


class Blame(Enum):
    """`SICK` is the upstream's fault as well, and it is to be left alone from now on."""

    LINE = auto()
    UPSTREAM = auto()
    SICK = auto()


class RetryBudget:
    """Retries a lane may spend, so that a sick upstream is not stormed: a reserve, and half a retry per request sent.

    An upstream that spoils three requests in ten never empties it; one that is down does within some forty calls.
    """

    _RESERVE = 20.0
    _PER_REQUEST = 0.5

    def __init__(self) -> None:
        self._left = self._RESERVE

    def sent(self) -> None:
        self._left = min(self._RESERVE, self._left + self._PER_REQUEST)

    def spend(self) -> bool:
        """Take one retry. False: the budget is empty, the upstream needs a pause."""
        self._left -= 1.0
        return self._left >= 0.0


class UpstreamHealth:
    """`probing`: the slice before found it sick. Not `patient`: it was waited for long enough; the lines pay again.

    `alone`: there is no other target, so that refused lines come back to this one.
    """

    def __init__(self, *, probing: bool, patient: bool, alone: bool = True) -> None:
        self._alone = alone
        self.patient = patient
        self.probing = probing and patient
        self.sick = False
        self.requests = 0
        self._youngest_answered = 0  # which of the requests, counted from 1
        self._has_succeeded = False
        self._excused: dict[int, int] = {}  # by line, the requests until its last failure without blame
        self._budget = RetryBudget()
        self._failed: Counter[int] = Counter()  # by line, since the last answer

    def sent(self) -> int:
        """A request goes out. Which of the slice's it is, counted from 1."""
        self.requests += 1
        self._budget.sent()
        return self.requests

    def was_well_since(self, requests: int) -> bool:
        """Whether a request has been answered that was sent when there had been so many.

        Those sent before tell nothing: the upstream may have begun their answers before it fell ill.
        """
        return self._youngest_answered > requests

    def answered(self, nth: int, *, succeeded: bool) -> bool:
        """An answer about the `nth` request itself, good or bad. True: it is the one that ends the probing."""
        self._youngest_answered = max(self._youngest_answered, nth)
        self._has_succeeded = self._has_succeeded or succeeded
        if self._failed:
            self._failed.clear()
        ends, self.probing = self.probing, False
        return ends

    @property
    def may_forbid_all(self) -> bool:
        """Whether a request that is forbidden (403) may be so for who asks, and not for what is in it.

        Nothing has succeeded yet: then it is a failed attempt like others.
        """
        return self.patient and not self._has_succeeded

    def failed(self, line: int, *, throttled: bool, blameless: bool) -> Blame:
        """An attempt of the line failed in a way worth another attempt."""
        if not self.patient:
            return Blame.LINE
        blameless = blameless and not self._is_alone(line)
        self._failed[line] += 1
        if self.sick:
            return Blame.UPSTREAM
        if self._is_found_sick(line, throttled=throttled and not blameless, blameless=blameless):
            self.sick = True
            return Blame.SICK
        return Blame.UPSTREAM if blameless else Blame.LINE

    def rested(self) -> None:
        """Found sick, it has been left alone for long enough: one request asks it, and nothing of before counts."""
        self.sick, self.probing = False, self.patient
        self._budget = RetryBudget()
        self._failed.clear()

    def _is_alone(self, line: int) -> bool:
        """Whether others sent between two such failures of this line were answered: it is its own fault after all."""
        before = self._excused.get(line, self.requests)
        self._excused[line] = self.requests
        return self.was_well_since(before)

    def _is_found_sick(self, line: int, *, throttled: bool, blameless: bool) -> bool:
        if self.probing or (blameless and not self._youngest_answered):
            return True
        if throttled and not self._alone:
            return self._failed.total() >= REFUSALS
        if throttled:
            return len(self._failed) > 1 and self._failed[line] >= REFUSALS
        return not self._budget.spend()


_FIRST_PAUSE_SECONDS = 5.0
_PAUSE_SHARE = 2 / 3  # The rest is for the timers and the call of the activity that brings the next request.


def next_pause(waited_seconds: float, most_seconds: float) -> float:
    """How long to leave a sick upstream alone, having waited `waited_seconds` for it: as long again, from 5 s.

    No longer than that it is asked again every `most_seconds`.
    """
    return min(_PAUSE_SHARE * most_seconds, max(_FIRST_PAUSE_SECONDS, waited_seconds))


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """A sick upstream has been left alone for `waited_seconds` before this slice, and is so for `most_seconds` in all.

    It is asked again at least every `probe_seconds`.
    """

    waited_seconds: float
    most_seconds: float
    probe_seconds: float

    @property
    def next_pause(self) -> float:
        return next_pause(self.waited_seconds, self.probe_seconds)

    def health(self, *, alone: bool = True) -> UpstreamHealth:
        """At the begin of the slice."""
        patient = self.waited_seconds < self.most_seconds
        return UpstreamHealth(probing=self.waited_seconds > 0, patient=patient, alone=alone)
