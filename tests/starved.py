"""What a bound in seconds is on a machine that has more to do than it has cores."""

from __future__ import annotations

import os


def stretched(seconds: float) -> float:
    """`seconds` of a machine that does nothing else, for one as busy as this has been in the last minute."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
