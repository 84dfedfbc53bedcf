"""The mock's prompt cache: exact, so that what is measured with it is the order of requests."""

from __future__ import annotations

from bench.caching_upstream import BlockCache, Kind

A, B = [1, 2, 3], [1, 2, 4]


def test_blocks_are_found_from_the_start_once_they_are_visible() -> None:
    """A request that comes before that computes them again; one with another end finds what it shares."""
    cache = BlockCache(Kind(visible_ms=1000))
    assert [cache.look(A, 0.0), cache.look(A, 0.9), cache.look(A, 1.0), cache.look(B, 1.5)] == [0, 0, 3, 2]


def test_the_least_recently_used_block_goes_first() -> None:
    """Room for four blocks: what was asked for last stays."""
    cache = BlockCache(Kind(visible_ms=0, capacity_tokens=64))
    assert [cache.look(A, 0.0), cache.look([7, 8], 1.0), cache.look(A, 2.0), cache.look([7, 8], 3.0)] == [0, 0, 0, 0]
    assert cache.look([7, 8], 4.0) == 2


def test_a_hosted_cache_forgets_what_is_not_used() -> None:
    """Each use counts anew."""
    cache = BlockCache(Kind(visible_ms=0, ttl_seconds=5))
    assert [cache.look(A, at) for at in (0.0, 4.0, 8.0, 14.0, 15.0)] == [0, 3, 3, 0, 3]
