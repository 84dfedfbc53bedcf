"""What is read from an upstream's x-ratelimit headers."""

from __future__ import annotations

import pytest

from shared.domain.pace.rate_headers import ObservedLimits, read_limits


def test_both_limits_are_read() -> None:
    """OpenAI's headers of one answer."""
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-reset-tokens": "1m0s",
    }

    assert ObservedLimits(requests_per_minute=500, tokens_per_minute=30000) == read_limits(headers)


@pytest.mark.parametrize("limit", ["", "0", "-5", "many", "٣", "1e9", "9" * 30])
def test_nonsense_is_no_limit(limit: str) -> None:
    """A header that is no positive number says nothing."""
    assert ObservedLimits() == read_limits({"x-ratelimit-limit-requests": limit})


@pytest.mark.parametrize(
    ("reset", "known"), [("59s", True), ("17", True), ("soon", True), ("8m38.4s", False), ("1h", False)]
)
def test_a_limit_per_day_is_not_one_per_minute(reset: str, known: bool) -> None:
    """A reset further away than a minute belongs to a longer window."""
    seen = read_limits({"x-ratelimit-limit-requests": "10", "x-ratelimit-reset-requests": reset})

    assert known is (seen.requests_per_minute == 10)
