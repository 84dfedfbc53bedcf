"""How long a lane that stops waits for the requests it has begun."""

from __future__ import annotations

from typing import Final

SPARE_SECONDS: Final = 10.0  # A request ends by its own limit; this is for one that does not.


class Drain:
    """Each request has its own limit, `request_seconds`; `ending_seconds` is for all when the batch has to end."""

    def __init__(self, request_seconds: float, ending_seconds: float) -> None:
        self._request_seconds = request_seconds + SPARE_SECONDS
        self._ending_seconds = ending_seconds
        self._stopped_at: float | None = None
        self._ending_at: float | None = None

    def is_over(self, now: float, *, stopped: bool, must_end: bool) -> bool:
        """Ask again and again, with `now` in monotonic seconds.

        `stopped`: no attempt begins any more; as long as some do, nothing is over.
        """
        if stopped and self._stopped_at is None:
            self._stopped_at = now
        if must_end and self._ending_at is None:
            self._ending_at = now
        late = self._stopped_at is not None and now - self._stopped_at >= self._request_seconds
        return late or (self._ending_at is not None and now - self._ending_at >= self._ending_seconds)
