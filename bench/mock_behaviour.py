"""How the mock upstream is told to behave, and what it counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """Times in milliseconds, faults as shares of all requests (0..1), rolled with `seed`."""

    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    slow_share: float = 0.0
    slow_ms: float = 1000.0
    throttle: float = 0.0
    retry_after_seconds: float = 1.0
    error: float = 0.0
    reset: float = 0.0
    hang: float = 0.0
    html: float = 0.0
    half: float = 0.0
    seed: int = 1
    requests_per_minute: int = 0  # 0: no limit; enforced by a token bucket that holds one second's worth
    tokens_per_minute: int = 0
    rate_headers: int = 0  # 1: say the limits in x-ratelimit headers


class Bucket:
    """A token bucket holding one second's worth of `per_minute`; without a limit everything passes."""

    def __init__(self, per_minute: int) -> None:
        self._rate = per_minute / 60
        self._level = self._rate
        self._at = 0.0

    def lacks(self, amount: float, now: float) -> float:
        """Seconds until `amount` is there; 0 if it is."""
        if not self._rate:
            return 0.0
        self._level = (
            min(max(self._rate, 1.0), self._level + (now - self._at) * self._rate) if self._at else self._level
        )
        self._at = now
        return max(0.0, min(amount, max(self._rate, 1.0)) - self._level) / self._rate

    def take(self, amount: float) -> None:
        self._level -= amount


@dataclass(kw_only=True)
class Stats:
    """Prompts are kept as checksums; `answered` counts 200s only; times are unix seconds, 0 for never."""

    requests: int = 0
    first_request_at: float = 0.0
    last_answer_at: float = 0.0
    connections: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    asked: Counter[int] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)

    def summary(self) -> dict[str, Any]:
        repeats = [count - 1 for count in self.answered.values() if count > 1]
        return {
            "requests": self.requests,
            "first_request_at": self.first_request_at,
            "last_answer_at": self.last_answer_at,
            "connections": self.connections,
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "distinct_prompts": len(self.asked),
            "prompts_answered": len(self.answered),
            "prompts_answered_again": len(repeats),
            "extra_answers": sum(repeats),
            "answers": dict(self.statuses),
        }
