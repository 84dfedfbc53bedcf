"""A fast, rude stand-in for a model server: `python -m bench.mock_upstream --port 0 --latency-ms 50`.

One asyncio protocol, tens of microseconds a request, so that what is measured or tested is the client. It answers
every endpoint a batch may have on `/…`, `/v1/…`, `/openai/v1/…` and Azure's deployment paths,
and echoes the prompt, so that a mixed-up answer shows. Faults come from seeded dice, or from orders in a prompt's text:

    [[status=400]]  [[latency=2000]] (ms)  [[fail_first=2:429]]  [[reset]]  [[hang]]  [[html]]  [[half]]
    [[says=error]]  (or another of `mock_answers.ODD`)

`fail_first=N:FAULT` spoils the first N requests with that prompt; FAULT is a status, `reset`, `hang`, `html` or `half`.
`GET /__stats` counts what happened since the start or the last `POST /__reset`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from bench.mock_answers import ODD, Body, answer, prompt, tokens_of
from bench.mock_behaviour import Behaviour, Bucket, Stats

_ROUTE = re.compile(
    r"(?:/openai)?(?:/v1)?(?:/deployments/(?P<deployment>[^/]+))?"
    r"/(?P<operation>chat/completions|completions|embeddings|responses|moderations|images/generations|images/edits|videos)"
)
_ORDER = re.compile(r"\[\[(\w+)(?:=([^\]]*))?\]\]")
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}
_HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Reply:
    """What to do after `delay` seconds: write `data`, then close if told to; None as data: abort, `hang`: nothing."""

    delay: float
    data: bytes | None = b""
    close: bool = False
    hang: bool = False


class MockUpstream:
    """Decides; the connections only carry it out."""

    _decoder = msgspec.json.Decoder(Body)

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.stats = Stats()
        self.transports: set[asyncio.Transport] = set()
        self._dice = random.Random(behaviour.seed)
        self._requests = Bucket(behaviour.requests_per_minute)
        self._tokens = Bucket(behaviour.tokens_per_minute)
        self._headers = _rate_headers(behaviour) if behaviour.rate_headers else ""

    def reply(self, method: str, path: str, body: bytes) -> Reply:
        if path.startswith("/__"):
            return Reply(0.0, self._control(method, path))
        route = _ROUTE.fullmatch(path.partition("?")[0])
        if route is None or method != "POST":
            return Reply(0.0, _error(404, f"No route for {method} {path}"))
        try:
            fields = self._decoder.decode(body)
        except msgspec.DecodeError as error:
            return Reply(0.0, _error(400, f"The body is not a request: {error}"))
        text = prompt(fields)
        self.stats.requests += 1
        checksum = hash(text)
        self.stats.asked[checksum] += 1
        orders = dict(_ORDER.findall(text)) if "[[" in text else {}
        delay = self._delay(orders)
        now = time.time()
        self.stats.first_request_at = self.stats.first_request_at or now
        self.stats.last_answer_at = max(self.stats.last_answer_at, now + delay)
        fault = self._fault(orders, self.stats.asked[checksum])
        if (lacking := self._over_limit(sum(tokens_of(text)))) > 0:
            self.stats.statuses["429"] += 1
            return Reply(0.0, _error(429, "Rate limit reached.", headers=f"Retry-After: {lacking:.3f}\r\n"))
        if "says" in orders:
            self.stats.statuses[orders["says"]] += 1
            return Reply(delay, _http(*ODD[orders["says"]]))
        self.stats.statuses[fault or "200"] += 1
        if fault:
            return self._spoiled(fault, delay)
        self.stats.answered[checksum] += 1
        model = route["deployment"] or fields.model
        said = msgspec.json.encode(answer(route["operation"], model, text, self.stats.requests))
        return Reply(delay, _http(200, said, request_id=f"req_{self.stats.requests:032x}", headers=self._headers))

    def _over_limit(self, tokens: int) -> float:
        """Seconds until this request would be let in; 0 lets it in."""
        now = time.monotonic()
        lacking = max(self._requests.lacks(1, now), self._tokens.lacks(tokens, now))
        if lacking == 0:
            self._requests.take(1)
            self._tokens.take(tokens)
        return lacking

    def _control(self, method: str, path: str) -> bytes:
        if (method, path) == ("POST", "/__reset"):
            self.stats = Stats(connections=self.stats.connections, in_flight=self.stats.in_flight)
        elif (method, path) != ("GET", "/__stats"):
            return _error(404, f"No route for {method} {path}")
        return _http(200, msgspec.json.encode(self.stats.summary()))

    def _delay(self, orders: dict[str, str]) -> float:
        if "latency" in orders:
            return float(orders["latency"]) / 1000
        behaviour = self.behaviour
        milliseconds = behaviour.latency_ms + behaviour.jitter_ms * self._dice.random()
        if behaviour.slow_share and self._dice.random() < behaviour.slow_share:
            milliseconds += behaviour.slow_ms
        return milliseconds / 1000

    def _fault(self, orders: dict[str, str], times_asked: int) -> str:
        if "fail_first" in orders:
            times, _, fault = orders["fail_first"].partition(":")
            return fault if times_asked <= int(times) else ""
        for order in ("reset", "hang", "html", "half"):
            if order in orders:
                return order
        if "status" in orders:
            return orders["status"]
        behaviour = self.behaviour
        shares = (
            ("429", behaviour.throttle),
            ("500", behaviour.error),
            ("reset", behaviour.reset),
            ("hang", behaviour.hang),
            ("html", behaviour.html),
            ("half", behaviour.half),
        )
        if not any(share for _, share in shares):
            return ""
        roll = self._dice.random()
        for fault, share in shares:
            if roll < share:
                return fault
            roll -= share
        return ""

    def _spoiled(self, fault: str, delay: float) -> Reply:
        match fault:
            case "reset":
                return Reply(delay, None)
            case "hang":
                return Reply(delay, hang=True)
            case "html":
                return Reply(delay, _http(200, _HTML, kind="text/html"))
            case "half":
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
                return Reply(delay, head + b'{"id": "mock-half", "choi', close=True)
            case "429":
                retry_after = f"Retry-After: {self.behaviour.retry_after_seconds:g}\r\n"
                return Reply(delay, _error(429, "Slow down.", headers=retry_after))
            case _:
                return Reply(delay, _error(int(fault), f"You asked for {fault}."))


def _rate_headers(behaviour: Behaviour) -> str:
    limits = {"requests": behaviour.requests_per_minute, "tokens": behaviour.tokens_per_minute}
    return "".join(
        f"x-ratelimit-limit-{what}: {limit}\r\nx-ratelimit-reset-{what}: 1s\r\n"
        for what, limit in limits.items()
        if limit
    )


def _error(status: int, message: str, headers: str = "") -> bytes:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": None}
    return _http(status, msgspec.json.encode({"error": error}), headers=headers)


def _http(
    status: int, body: bytes, *, kind: str = "application/json", request_id: str = "req_mock", headers: str = ""
) -> bytes:
    head = (
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Other')}\r\nContent-Type: {kind}\r\n"
        f"x-request-id: {request_id}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def answered(body: bytes) -> bytes:
    """A 200 with this JSON."""
    return _http(200, body)


class _Connection(asyncio.Protocol):
    """One keep-alive connection. Requests are answered one after the other, pipelined or not."""

    def __init__(self, upstream: MockUpstream) -> None:
        self._upstream = upstream
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._buffer = bytearray()
        self._needed = 0
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._upstream.transports.add(self._transport)
        self._upstream.stats.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 asyncio's signature
        self._upstream.transports.discard(self._transport)
        if self._timer is not None:
            self._timer.cancel()
        self._idle()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy and len(self._buffer) >= self._needed:
            self._next()

    def _next(self) -> None:
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._buffer[:head_end].decode("latin-1")
        end = head_end + 4 + _content_length(head)
        if len(self._buffer) < end:
            self._needed = end
            return
        body = bytes(self._buffer[head_end + 4 : end])
        del self._buffer[:end]
        self._needed = 0
        method, path, _ = head.split(" ", 2)
        self._start(path, self._upstream.reply(method, path, body))

    def _start(self, path: str, reply: Reply) -> None:
        if not path.startswith("/__"):
            self._busy = True
            stats = self._upstream.stats
            stats.in_flight += 1
            stats.peak_in_flight = max(stats.peak_in_flight, stats.in_flight)
        if reply.hang:
            return
        if reply.delay:
            self._timer = self._loop.call_later(reply.delay, self._finish, reply)
        else:
            self._finish(reply)

    def _finish(self, reply: Reply) -> None:
        self._timer = None
        self._idle()
        if reply.data is None:
            self._transport.abort()
            return
        self._transport.write(reply.data)
        if reply.close:
            self._transport.close()
        elif self._buffer:
            self._next()

    def _idle(self) -> None:
        if self._busy:
            self._busy = False
            self._upstream.stats.in_flight -= 1


def _content_length(head: str) -> int:
    match = re.search(r"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return int(match[1]) if match else 0


@asynccontextmanager
async def running(
    behaviour: Behaviour | None = None, port: int = 0, upstream: MockUpstream | None = None
) -> AsyncIterator[tuple[str, MockUpstream]]:
    """The mock, or another `upstream`, on this event loop, on loopback: its address and itself."""
    upstream = upstream or MockUpstream(behaviour or Behaviour())
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(upstream), "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", upstream
    finally:
        server.close()
        for transport in tuple(upstream.transports):
            transport.abort()
        await asyncio.sleep(0)


async def _serve(behaviour: Behaviour, port: int) -> None:
    async with running(behaviour, port) as (url, _):
        print(f"Listening on {url}", flush=True)
        await asyncio.Event().wait()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.mock_upstream", description="A mock model server.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one, printed")
    for setting in fields(Behaviour):
        name = "--" + setting.name.replace("_", "-")
        parser.add_argument(name, type=type(setting.default), default=setting.default, metavar="N")
    values = vars(parser.parse_args(arguments))
    port = values.pop("port")
    try:
        import uvloop

        run: Any = uvloop.run
    except ImportError:
        run = asyncio.run
    with suppress(KeyboardInterrupt):
        run(_serve(Behaviour(**values), port))


if __name__ == "__main__":
    main()
