"""What an upstream's `x-ratelimit-*` headers say of its limits (OpenAI and Azure send them with every answer).

Only the limits are read, and paced by; what remains and when it resets means different things to different servers
(a leaky bucket here, a fixed minute there), and a 429 corrects what the limits alone get wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MINUTE = 60.0


class ObservedLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Limits per minute of the whole deployment; None where the upstream did not say."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


def read_limits(headers: Mapping[str, str]) -> ObservedLimits:
    """Header names are lower case."""
    return ObservedLimits(
        requests_per_minute=_per_minute(headers, "requests"), tokens_per_minute=_per_minute(headers, "tokens")
    )


def _per_minute(headers: Mapping[str, str], what: str) -> int | None:
    """None for a limit over a longer time than a minute: its reset lies further away than that."""
    limit = headers.get(f"x-ratelimit-limit-{what}", "")
    if not limit.isascii() or not limit.isdigit() or not 0 < int(limit) < 10**12:
        return None
    return int(limit) if _seconds(headers.get(f"x-ratelimit-reset-{what}", "")) <= _MINUTE else None


def _seconds(text: str) -> float:
    """`6m0s`, `120ms`, `17` -> seconds; 0 for what cannot be read."""
    if _PART.sub("", text):
        return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
