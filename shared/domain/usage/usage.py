"""What answers were billed for: counted per answer, summed per chunk, shown per batch (contract 2.7, 9.5).

Sums are whole numbers, so their order never matters. Where a price has steps, what long requests used is kept beside
the sums, by the step that they are past.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec


class Counts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Billable tokens, and images made. `cached_tokens` (read from a cache) and `cache_write_tokens` are part of
    `input_tokens`, none of them both; `reasoning_tokens` are part of `output_tokens`.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    images: int = 0


class LongUsage(Counts, frozen=True, kw_only=True, omit_defaults=True):
    """The part of a usage that is of requests with more than so many input tokens, and not past a higher step."""

    above_input_tokens: int = 0


class Usage(Counts, frozen=True, kw_only=True, omit_defaults=True):
    """All counts, and the parts of them that are of long requests, by ascending step."""

    long: tuple[LongUsage, ...] = ()

    def __add__(self, other: Usage) -> Usage:
        return total((self, other))

    def past(self, step: int) -> Usage:
        """The same usage, all of it of requests with more than `step` input tokens."""
        return msgspec.structs.replace(self, long=(LongUsage(above_input_tokens=step, **_sums((self,))),))

    def short(self) -> Counts:
        """What is past no step."""
        if not self.long:
            return self
        long = _sums(self.long)
        return Counts(**{name: getattr(self, name) - long[name] for name in long})


_COUNTS = [(name, attrgetter(name)) for name in Counts.__struct_fields__]


def total(usages: Sequence[Usage]) -> Usage:
    """The sum of many, without the sums in between."""
    return Usage(**_sums(usages), long=_long([part for usage in usages if usage.long for part in usage.long]))


def _sums(counts: Sequence[Counts]) -> dict[str, int]:
    return {name: sum(map(count, counts)) for name, count in _COUNTS}


def _long(parts: Iterable[LongUsage]) -> tuple[LongUsage, ...]:
    """One part for each step."""
    by_step: dict[int, list[LongUsage]] = {}
    for part in parts:
        by_step.setdefault(part.above_input_tokens, []).append(part)
    return tuple(LongUsage(above_input_tokens=step, **_sums(by_step[step])) for step in sorted(by_step))


_CREDIBLE_TOKENS = 10**12


def read_usage(usage: Any) -> Usage:
    """An answer's `usage`, whatever the endpoint (contract 9.5); what is missing or no believable count is zero.

    Chat and embeddings say `prompt_tokens` and `completion_tokens`, responses and images `input_tokens` and so on.
    """
    if not isinstance(usage, dict):
        return Usage()
    sent = _count(usage, "prompt_tokens") or _count(usage, "input_tokens")
    cached, written = _cache(_details(usage, "prompt_tokens_details", "input_tokens_details"), sent)
    details = _details(usage, "completion_tokens_details", "output_tokens_details")
    return Usage(
        input_tokens=sent,
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=_count(usage, "completion_tokens") or _count(usage, "output_tokens"),
        reasoning_tokens=_count(details, "reasoning_tokens"),
    )


def _cache(details: dict[str, Any], sent: int) -> tuple[int, int]:
    """Tokens that a cache gave and took, never more than were sent: each is billed once."""
    cached = min(_count(details, "cached_tokens"), sent)
    written = _count(details, "cache_write_tokens") or _count(details, "cache_creation_tokens")
    return cached, min(written, sent - cached)


def _details(usage: dict[str, Any], group: str, other_group: str) -> dict[str, Any]:
    details = usage.get(group if group in usage else other_group)
    return details if isinstance(details, dict) else {}


def _count(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int and 0 <= value < _CREDIBLE_TOKENS else 0
