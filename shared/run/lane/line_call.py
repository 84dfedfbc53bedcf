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

from shared.domain.batches.batch import Batch
from shared.domain.deployments.deployment import Deployment
from shared.domain.lines.request_line import RequestLine
from shared.domain.lines.result_line import NeverRan, error_object, failure_line, line_id, success_line
from shared.domain.pace.adaptive_rate import AdaptiveRate
from shared.domain.pace.fair_share import Pacer
from shared.domain.pace.retry import Attempts, RetryPolicy, next_delay
from shared.domain.upstream.outcome import classify, refusal_of_all
from shared.domain.upstream.upstream import (
    Failed,
    Outcome,
    Retry,
    Succeeded,
    UpstreamRequest,
    UpstreamResponse,
    build_request,
)
from shared.domain.usage.usage import Usage
from shared.ports.upstream import Upstream
from shared.run.chunks.journal import Entry, Tried
from shared.run.lane.gate import Gate, Visit
from shared.run.lane.lane_meter import LaneMeter
from shared.run.lane.signals import Signals

WITNESS_SECONDS = 0.25  # Between two looks whether another line has been answered.
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

    async def answer(
        self, number: int, line: RequestLine, visit: Visit, tokens: int, before: Attempts
    ) -> Entry | Tried | None:
        """The line's entry; what it has been through if it is let go for now; None if nothing that counts.

        `before` is what it had been through. It is inside the gate, and leaves while it backs off.
        """
        request, attempts = build_request(self._deployment, self._batch.endpoint, line.body), before
        answers = self._signals.health.answers
        while True:
            if self._is_last(attempts):
                await self._witness(visit, answers)
            await self._pace(tokens)
            if self._stop.is_set():
                return self._let_go(number, attempts, before)
            outcome = await self._send(request)
            if not isinstance(outcome, Retry):
                self._answered(outcome, tokens)
                return self._entry(number, line, outcome)
            answers = self._signals.health.answers
            if self._charge(number, outcome):
                attempts = attempts.spent(throttled=outcome.throttled)
            delay = self._delay(outcome, attempts)
            if delay is None:
                self._meter.finished(outcome)
                return self._entry(number, line, outcome.final)
            self._meter.retried(outcome)
            visit.leave()
            await self._sleep(delay)
            await visit.enter()

    def _is_last(self, attempts: Attempts) -> bool:
        """Whether one more failure makes the line fail; not where every line has but one attempt."""
        errors, throttles = self._errors.max_attempts, self._throttles.max_attempts
        return attempts.errors == errors - 1 > 0 or attempts.throttles == throttles - 1 > 0

    async def _witness(self, visit: Visit, answers: int) -> None:
        """Keep the last attempt until the upstream has answered another line since: else it is not the line's fault.

        Not where no other line is to come.
        """
        visit.leave()
        while self._signals.health.answers == answers and self._signals.may_be_answered:
            await self._sleep(WITNESS_SECONDS)
        await visit.enter()

    def _let_go(self, number: int, attempts: Attempts, before: Attempts) -> Tried | None:
        """What happens in a slice that finds the upstream sick counts for no line."""
        return None if self._signals.health.sick or attempts == before else Tried(number, attempts)

    async def _send(self, request: UpstreamRequest) -> Outcome:
        self._signals.sent()
        began = time.monotonic()
        answer = await self._upstream.send(request)
        now = time.monotonic()
        if isinstance(answer, UpstreamResponse):
            self._signals.answered(answer.headers, now)
        outcome = classify(answer, self._deployment)
        self._meter.called(now - began, outcome)
        if isinstance(outcome, Failed) and outcome.status == 403 and self._signals.health.may_forbid_all:
            return refusal_of_all(outcome)
        return outcome

    def _answered(self, outcome: Succeeded | Failed, tokens: int) -> None:
        if self._signals.well(succeeded=isinstance(outcome, Succeeded)):
            self._gate.open()
        self._learn(outcome, tokens)
        self._meter.finished(outcome)

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

    def _charge(self, number: int, outcome: Retry) -> bool:
        """Tell everyone of a failed attempt; whether it is one of the line's own."""
        now = time.monotonic()
        if outcome.throttled:
            self._gate.throttled(now)
            self._rate.throttled(now)
        return self._signals.failed(number, outcome, now)

    def _delay(self, outcome: Retry, attempts: Attempts) -> float | None:
        delay = next_delay(
            self._throttles if outcome.throttled else self._errors,
            attempt=attempts.throttles if outcome.throttled else attempts.errors,
            after_seconds=outcome.after_seconds,
            jitter=random.random(),
            remaining_seconds=self._remaining_seconds(),
        )
        if delay is not None and outcome.after_seconds and delay >= self._pause_seconds:
            self._signals.asked_to_wait(outcome.reason, delay)
        return delay

    def broken(self, number: int, custom_id: str | None) -> Entry:
        """The entry of a line that our own code could not deal with. Nothing in here can break again."""
        return self._failure(number, custom_id, Failed(status=None, body=error_object(NeverRan.INTERNAL_ERROR)))

    def _entry(self, number: int, line: RequestLine, outcome: Succeeded | Failed) -> Entry:
        if isinstance(outcome, Failed):
            return self._failure(number, line.custom_id, outcome)
        self._gate.succeeded()
        result = success_line(
            self._batch.vendor,
            request_line_id=line_id(self._batch.id, number),
            custom_id=line.custom_id,
            request_id=outcome.request_id,
            body=outcome.body,
        )
        return Entry(number, True, outcome.usage, outcome.model, msgspec.Raw(result[:-1]))

    def _failure(self, number: int, custom_id: str | None, outcome: Failed) -> Entry:
        result = failure_line(
            self._batch.vendor,
            request_line_id=line_id(self._batch.id, number),
            custom_id=custom_id,
            request_id=outcome.request_id,
            status=outcome.status,
            body=outcome.body,
        )
        return Entry(number, False, Usage(), None, msgspec.Raw(result[:-1]))
