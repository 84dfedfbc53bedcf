"""What prompt caches have done for a batch: the share of its input they gave, and what that saved.

Rule of this file: both follow from the usage that upstreams reported; what they do not report, nobody knows.
"""

from __future__ import annotations

import msgspec

from shared.domain.batches.batch import Batch
from shared.domain.deployments.price import Price, cost_of
from shared.domain.usage.usage import Usage


class CacheUse(msgspec.Struct, frozen=True, kw_only=True):
    """`share` of the input tokens came from a cache, `written_tokens` went into one. `saved` is picos, below zero where
    writing cost more than reading saved; None without a price.
    """

    share: float
    written_tokens: int
    saved: int | None


def cache_use(batch: Batch) -> CacheUse | None:
    """None where no cache was at work. `batch` has live counts (`batch.with_progress`)."""
    usage = batch.usage
    if not (usage.cached_tokens or usage.cache_write_tokens):
        return None
    return CacheUse(
        share=usage.cached_tokens / usage.input_tokens,
        written_tokens=usage.cache_write_tokens,
        saved=_saved(usage, batch.price) if batch.price else None,
    )


def _saved(usage: Usage, price: Price) -> int:
    return cost_of(_uncached(usage), price) - cost_of(usage, price)


def _uncached(usage: Usage) -> Usage:
    """The same requests, had there been no cache."""
    none = {"cached_tokens": 0, "cache_write_tokens": 0}
    long = tuple(msgspec.structs.replace(part, **none) for part in usage.long)
    return msgspec.structs.replace(usage, long=long, **none)
