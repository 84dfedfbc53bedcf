"""One request line: sent until it has an outcome, turned into its journal entry.

The caller holds a place in the gate while the line is with the upstream and gives it up while it backs off.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from shared.domain.adaptive_rate import AdaptiveRate
from shared.domain.batch import Batch
from shared.domain.deployment import Deployment
from shared.domain.fair_share import Pacer
from shared.domain.outcome import classify
from shared.domain.request_line import RequestLine
from shared.domain.result_line import NeverRan, error_object, failure_line, line_id, success_line
from shared.domain.retry import RetryPolicy, next_delay
from shared.domain.upstream import (
    Failed,
    Outcome,
    Retry,
    Succeeded,
    UpstreamRequest,
    UpstreamResponse,
    build_request,
)
from shared.domain.usage import Usage
from shared.ports import Upstream
from shared.run.gate import Gate
from shared.run.journal import Entry
from shared.run.lane_meter import LaneMeter
from shared.run.signals import Signals

TOKEN_MEMORY = 20  # Answers over which the token factor is averaged.


class LineCaller:
    """Calls the upstream for the lines of one batch, until `signals.stop`: then no further attempt begins."""

    def __init__(
        self,
        *,
        batch: Batch,
        deployment: Deployment,
        upstream: Upstream,
        gate: Gate,
        pacer: Pacer,
        errors: RetryPolicy,
        throttles: RetryPolicy,
        pause_seconds: float,
        remaining_seconds: Callable[[], float | None],
        signals: Signals,
        meter: LaneMeter,
    ) -> None:
        self._batch = batch
        self._deployment = deployment
        self._upstream = upstream
        self._gate = gate
        self._pacer = pacer
        self._errors = errors
        self._throttles = throttles
        self._pause_seconds = pause_seconds
        self._remaining_seconds = remaining_seconds
        self._signals = signals
        self._meter = meter
        self._stop = signals.stop
        self._rate = AdaptiveRate()
        self._token_factor = 1.0  # Tokens the upstream counts for each that was estimated.

    async def answer(self, number: int, line: RequestLine, size: int, tokens: int) -> Entry | None:
        """The line's entry; None if it has to be sent again later. Enter the gate before; it is left on return."""
        request = build_request(self._deployment, self._batch.endpoint, line.body)
        errors = throttles = 0
        inside = True
        try:
            while True:
                await self._pace(tokens)
                if self._stop.is_set():
                    return None
                outcome = await self._send(request)
                if not isinstance(outcome, Retry):
                    self._learn(outcome, tokens)
                    self._meter.finished(outcome)
                    return self._entry(number, line, outcome)
                throttles += outcome.throttled
                errors += not outcome.throttled
                delay = self._delay(outcome, errors, throttles)
                if delay is None:
                    self._meter.finished(outcome)
                    return self._entry(number, line, outcome.final)
                self._meter.retried(outcome)
                if outcome.after_seconds and delay >= self._pause_seconds:
                    self._signals.asked_to_wait(outcome.reason, delay)
                inside = self._gate.leave(size)
                await self._sleep(delay)
                inside = await self._gate.enter(size)
        finally:
            if inside:
                self._gate.leave(size)

    async def _send(self, request: UpstreamRequest) -> Outcome:
        self._signals.sent()
        began = time.monotonic()
        answer = await self._upstream.send(request)
        now = time.monotonic()
        if isinstance(answer, UpstreamResponse):
            self._signals.answered(answer.headers, now)
        outcome = classify(answer, self._deployment)
        self._meter.called(now - began, outcome)
        return outcome

    def _learn(self, outcome: Succeeded | Failed, tokens: int) -> None:
        """The rate the upstream bears; and by which factor estimates are off, which hardly changes within a batch."""
        if isinstance(outcome, Succeeded):
            self._rate.succeeded(time.monotonic())
        if isinstance(outcome, Succeeded) and tokens:
            used = outcome.usage.input_tokens + outcome.usage.output_tokens
            self._token_factor += (used / tokens - self._token_factor) / TOKEN_MEMORY

    async def _pace(self, tokens: int) -> None:
        counted = int(tokens * self._token_factor)
        while not self._stop.is_set():
            now = time.monotonic()
            delay = self._rate.wait(now) or self._pacer.delay(counted, now)
            if delay == 0.0:
                self._rate.take(now)
                return
            await self._sleep(delay)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or wake at the stop."""
        if not self._stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stop.wait()

    def _delay(self, outcome: Retry, errors: int, throttles: int) -> float | None:
        if outcome.throttled:
            self._gate.throttled(time.monotonic())
            self._rate.throttled(time.monotonic())
            self._signals.throttled(outcome.reason, time.monotonic())
        else:
            self._signals.failed(outcome.reason)
        return next_delay(
            self._throttles if outcome.throttled else self._errors,
            attempt=throttles if outcome.throttled else errors,
            after_seconds=outcome.after_seconds,
            jitter=random.random(),
            remaining_seconds=self._remaining_seconds(),
        )

    def broken(self, number: int, line: RequestLine) -> Entry:
        """The entry of a line that our own code could not deal with."""
        outcome = Failed(status=None, body=error_object(NeverRan.INTERNAL_ERROR))
        self._meter.finished(outcome)
        return self._entry(number, line, outcome)

    def _entry(self, number: int, line: RequestLine, outcome: Succeeded | Failed) -> Entry:
        vendor, name = self._batch.vendor, line_id(self._batch.id, number)
        request_id = outcome.request_id
        if isinstance(outcome, Succeeded):
            self._gate.succeeded()
            result = success_line(
                vendor, request_line_id=name, custom_id=line.custom_id, request_id=request_id, body=outcome.body
            )
            return Entry(number, True, outcome.usage, outcome.model, msgspec.Raw(result[:-1]))
        result = failure_line(
            vendor,
            request_line_id=name,
            custom_id=line.custom_id,
            request_id=request_id,
            status=outcome.status,
            body=outcome.body,
        )
        return Entry(number, False, Usage(), None, msgspec.Raw(result[:-1]))
