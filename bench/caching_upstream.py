"""A mock model server with an exact prompt cache: `python -m bench.caching_upstream --kind JSON`.

A token is four bytes of the prompt; a block of tokens is known by itself and all before it, so a request finds as many
blocks as its prompt has in common with one before, from the start on. What it found and what it wrote are in its usage
(`cached_tokens`, `cache_write_tokens`). Two kinds, by the options:

    a server of your own, as vLLM: blocks of 16, a least-recently-used set of so many tokens
    a hosted one: blocks of 128, forgotten after a while without use, nothing under 1,024 tokens

What a request computes is there for others only `visible_ms` after it came. `GET /__cache` tells the sums.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections import OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.mock_behaviour import Behaviour
from bench.mock_upstream import MockUpstream, Reply, answered, running

TOKEN_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`capacity_tokens` and `ttl_seconds` 0: no such bound. A request that found `prefix_tokens` counts as a hit."""

    latency_ms: float = 250.0
    jitter: float = 0.3  # of the latency, both ways
    visible_ms: float = 10.0
    block_tokens: int = 16
    least_tokens: int = 0
    capacity_tokens: int = 0
    ttl_seconds: float = 0.0
    prefix_tokens: int = 1000


class BlockCache:
    """`look` at the blocks of a prompt: how many of them are there, from the start; the others will be."""

    def __init__(self, kind: Kind) -> None:
        self._most = kind.capacity_tokens // kind.block_tokens
        self._ttl = kind.ttl_seconds
        self._visible = kind.visible_ms / 1000
        self._used: OrderedDict[int, float] = OrderedDict()  # Block and last use; the oldest first.
        self._coming: deque[tuple[float, list[int]]] = deque()

    def look(self, blocks: list[int], now: float) -> int:
        self._settle(now)
        found = 0
        for block in blocks:
            if block not in self._used or (self._ttl and now - self._used[block] > self._ttl):
                break
            self._use(block, now)
            found += 1
        if found < len(blocks):
            self._coming.append((now + self._visible, blocks[found:]))
        return found

    def _settle(self, now: float) -> None:
        while self._coming and self._coming[0][0] <= now:
            at, blocks = self._coming.popleft()
            for block in blocks:
                self._use(block, at)
            while self._most and len(self._used) > self._most:
                self._used.popitem(last=False)

    def _use(self, block: int, at: float) -> None:
        self._used[block] = at
        self._used.move_to_end(block)


class _Messages(msgspec.Struct):
    model: str
    messages: list[dict[str, str]]


@dataclass(kw_only=True)
class Sums:
    """Of all requests so far; `hits` found their prefix."""

    requests: int = 0
    hits: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    written_tokens: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    peak_in_flight: int = 0


class CachingUpstream(MockUpstream):
    """Chat completions only."""

    _chats = msgspec.json.Decoder(_Messages)

    def __init__(self, kind: Kind) -> None:
        super().__init__(Behaviour())
        self._kind = kind
        self._cache = BlockCache(kind)
        self._random = random.Random(7)
        self.sums = Sums()

    def reply(self, method: str, path: str, body: bytes) -> Reply:  # noqa: ARG002 whatever the path
        if method == "GET":
            self.sums.peak_in_flight = self.stats.peak_in_flight
            return Reply(0.0, answered(msgspec.json.encode(self.sums)))
        request, now, sums = self._chats.decode(body), time.monotonic(), self.sums
        text = "".join(message["content"] for message in request.messages).encode()
        tokens, cached = len(text) // TOKEN_BYTES, self._cached(text, now)
        delay = self._kind.latency_ms / 1000 * (1 + self._kind.jitter * (2 * self._random.random() - 1))
        sums.requests += 1
        sums.hits += cached >= self._kind.prefix_tokens
        sums.input_tokens += tokens
        sums.cached_tokens += cached
        sums.written_tokens += (written := tokens - cached if tokens >= self._kind.least_tokens else 0)
        sums.first_at = sums.first_at or now
        sums.last_at = now + delay
        return Reply(delay, answered(_completion(request.model, tokens, cached, written)))

    def _cached(self, text: bytes, now: float) -> int:
        """Tokens of it that the cache gives."""
        size = self._kind.block_tokens * TOKEN_BYTES
        blocks, block = [], 0
        for start in range(0, len(text) - size + 1, size):
            block = hash((block, text[start : start + size]))
            blocks.append(block)
        found = self._cache.look(blocks, now) * self._kind.block_tokens
        return found if found >= self._kind.least_tokens else 0


def _completion(model: str, tokens: int, cached: int, written: int) -> bytes:
    message = {"role": "assistant", "content": "yes", "refusal": None}
    usage: dict[str, Any] = {
        "prompt_tokens": tokens,
        "completion_tokens": 1,
        "total_tokens": tokens + 1,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    head = {"id": "mock-1", "created": 1_700_000_000, "model": model, "object": "chat.completion"}
    return msgspec.json.encode({**head, "choices": [choice], "usage": usage})


async def _serve(kind: Kind, port: int) -> None:
    async with running(port=port, upstream=CachingUpstream(kind)) as (url, _):
        print(f"Listening on {url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.caching_upstream", description="A mock with a prompt cache.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one, printed")
    parser.add_argument("--kind", type=lambda text: msgspec.json.decode(text, type=Kind), default=Kind())
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        import uvloop

        uvloop.run(_serve(options.kind, options.port))


if __name__ == "__main__":
    main()
