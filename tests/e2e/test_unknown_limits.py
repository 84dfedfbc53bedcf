"""A rate limit that nobody has named: what of it is refused, counted by the upstream that enforces it."""

from __future__ import annotations

from bench.limits import use_of_limit

PER_SECOND, SECONDS = 100, 10


def test_few_calls_are_refused() -> None:
    """Some in the first moment, in which nothing is known; all in all it was more than half."""
    _, refused = use_of_limit("requests_per_minute", PER_SECOND, SECONDS, configured=False, headers=False)

    assert refused < 0.2
