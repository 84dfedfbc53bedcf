"""Figures of many runs in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median


def spread(counts: Sequence[int]) -> str:
    """min / median / max."""
    return f"min {min(counts)}, median {median(counts):g}, max {max(counts)}" if counts else "never measured"
