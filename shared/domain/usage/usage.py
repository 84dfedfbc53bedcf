"""Token usage: counted per answer, summed per chunk, shown per batch (contract 2.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Billable tokens. `cached_tokens` is part of `input_tokens`, `reasoning_tokens` part of `output_tokens`."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


def total(usages: Sequence[Usage]) -> Usage:
    """The sum of many, without the sums in between."""
    return Usage(
        input_tokens=sum([usage.input_tokens for usage in usages]),
        cached_tokens=sum([usage.cached_tokens for usage in usages]),
        output_tokens=sum([usage.output_tokens for usage in usages]),
        reasoning_tokens=sum([usage.reasoning_tokens for usage in usages]),
    )


_CREDIBLE_TOKENS = 10**12


def read_usage(usage: Any) -> Usage:
    """An answer's `usage`, whatever the endpoint; what is missing or no believable count is zero.

    Chat and embeddings say `prompt_tokens` and `completion_tokens`, responses and images `input_tokens` and so on.
    """
    if not isinstance(usage, dict):
        return Usage()
    return Usage(
        input_tokens=_count(usage, "prompt_tokens") or _count(usage, "input_tokens"),
        cached_tokens=_detail(usage, "prompt_tokens_details", "input_tokens_details", "cached_tokens"),
        output_tokens=_count(usage, "completion_tokens") or _count(usage, "output_tokens"),
        reasoning_tokens=_detail(usage, "completion_tokens_details", "output_tokens_details", "reasoning_tokens"),
    )


def _detail(usage: dict[str, Any], group: str, other_group: str, name: str) -> int:
    details = usage.get(group if group in usage else other_group)
    return _count(details, name) if isinstance(details, dict) else 0


def _count(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int and 0 <= value < _CREDIBLE_TOKENS else 0
