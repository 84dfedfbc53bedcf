"""One request line: sent until it has an outcome, turned into its journal entry.

The caller holds a place in the gate while the line is with the upstream and gives it up while it backs off.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress

import msgspec

from shared.answer_room import Share
from shared.domain.deployments.price import billed
from shared.domain.endpoints import ENDPOINTS
from shared.domain.lines.request_line import RequestLine
from shared.domain.lines.result_line import NeverRan, error_object, failure_line, line_id, success_line
from shared.domain.pace.retry import Attempts, RetryPolicy, next_delay
from shared.domain.upstream.answer_images import count_images
from shared.domain.upstream.outcome import classify, lacks_model, refusal_of_all
from shared.domain.upstream.upstream import (
    Failed,
    Outcome,
    Retry,
    Succeeded,
    UpstreamResponse,
    build_request,
)
from shared.domain.usage.usage import Usage
from shared.run.chunks.journal import Entry, Tried
from shared.run.lane.gate import Visit
from shared.run.lane.lane_meter import LaneMeter
from shared.run.lane.post import Post
from shared.run.lane.sending import Sending
from shared.run.lane.target_pace import TargetPace
from shared.services import Services
from shared.settings import Settings

WITNESS_SECONDS = 0.25  # Between two looks whether another line has been answered.


class LineCaller:
    """Calls the upstream for the lines of one batch, until `sending.stop`: then no further attempt begins."""

    def __init__(self, service: Services, post: Post, sending: Sending, meter: LaneMeter) -> None:
        settings = service.settings
        self._now = service.now
        self._upstream = service.upstream
        self._batch = post.batch
        self._sending = sending
        self._stop = sending.stop
        self._meter = meter
        self._errors = _policy(settings, settings.max_attempts)
        self._throttles = _policy(settings, settings.max_throttled_attempts)
        self._pause_seconds = settings.pause_seconds
        self._makes_images = ENDPOINTS[post.batch.endpoint].makes_images

    async def answer(
        self,
        number: int,
        line: RequestLine,
        visit: Visit,
        tokens: int,
        before: Attempts,
        *,
        first: TargetPace | None = None,
    ) -> Entry | Tried | None:
        """The line's entry; what it has been through if it is let go for now; None if nothing that counts.

        `before` is what it had been through, `first` the target to ask before others. It is inside the gate, and leaves
        while it backs off.
        """
        self._sending.trying += 1
        try:
            return await self._try(number, line, visit, tokens, before, first=first)
        finally:
            self._sending.trying -= 1

    async def _try(
        self,
        number: int,
        line: RequestLine,
        visit: Visit,
        tokens: int,
        before: Attempts,
        *,
        first: TargetPace | None,
    ) -> Entry | Tried | None:
        attempts, failed_at = before, self._sending.marks()
        tried: list[TargetPace] = []
        while True:
            if self._is_last(attempts):
                await self._witness(visit, failed_at)
            target = await self._pace(visit, tokens, tried, first)
            if target is None:
                return self._let_go(number, attempts, before)
            visit.share.give_back()
            nth = target.sent()
            outcome = await self._send(target, line, visit.share)
            if not isinstance(outcome, Retry):
                self._sending.answered(target, outcome, nth, tokens)
                self._meter.finished(outcome)
                return self._entry(number, line, outcome)
            failed_at = self._sending.marks()
            if self._sending.failed(target, number, outcome, time.monotonic()):
                attempts = attempts.spent(throttled=outcome.throttled)
            tried.append(target)
            moves = self._sending.moves(tried)
            delay = self._delay(target, outcome, attempts, moves=moves)
            if delay is None:
                self._meter.finished(outcome)
                return self._entry(number, line, outcome.final)
            self._meter.retried(outcome)
            if not moves:
                tried.clear()
                visit.leave()
                await self._sleep(delay)
                await visit.enter()

    def _is_last(self, attempts: Attempts) -> bool:
        """Whether one more failure makes the line fail; not where every line has but one attempt."""
        errors, throttles = self._errors.max_attempts, self._throttles.max_attempts
        return attempts.errors == errors - 1 > 0 or attempts.throttles == throttles - 1 > 0

    async def _witness(self, visit: Visit, failed_at: tuple[int, ...]) -> None:
        """Keep the last attempt until another line sent since has been answered: else it is not the line's fault.

        One sent before tells nothing: the upstream may have begun its answer before it fell ill. Not where every other
        line waits as well and none is to come, neither here nor in a lane that has found the upstream sick: then one
        of them goes first.
        """
        visit.leave()
        self._sending.trying -= 1
        try:
            while not self._sending.was_well_since(failed_at) and self._sending.may_be_answered:
                await self._sleep(WITNESS_SECONDS)
        finally:
            self._sending.trying += 1
        await visit.enter()

    def _let_go(self, number: int, attempts: Attempts, before: Attempts) -> Tried | None:
        """What happens in a slice that finds the upstream sick counts for no line."""
        return None if self._sending.sick or attempts == before else Tried(number, attempts)

    async def _send(self, target: TargetPace, line: RequestLine, share: Share) -> Outcome:
        request = build_request(target.target, self._batch.endpoint, line.body)
        began = time.monotonic()
        try:
            answer = await self._upstream.send(request, share)
        finally:
            target.left()
        now = time.monotonic()
        if isinstance(answer, UpstreamResponse):
            self._sending.heard(target, answer.headers, now)
        outcome = classify(answer, target.target)
        self._meter.called(now - began, outcome, target.target.target)
        if not isinstance(outcome, Failed):
            return outcome
        if outcome.status == 403 and target.health.may_forbid_all:
            return refusal_of_all(outcome)
        if outcome.status == 404 and self._sending.has_several and target.health.patient and lacks_model(outcome):
            return refusal_of_all(outcome, blameless=True)  # Another target may have it.
        return outcome

    async def _pace(
        self, visit: Visit, tokens: int, tried: list[TargetPace], first: TargetPace | None
    ) -> TargetPace | None:
        """Where the line goes, as soon as it may; None at the stop. Where no target has room, it waits at the gate."""
        while not self._stop.is_set():
            target, delay = self._sending.choose(tokens, time.monotonic(), tried, first)
            if target is None:
                visit.leave()
                await visit.enter()
            elif delay == 0.0:
                return target
            else:
                await self._sleep(delay)
        return None

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or wake at the stop."""
        if not self._stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stop.wait()

    def _delay(self, target: TargetPace, outcome: Retry, attempts: Attempts, *, moves: bool) -> float | None:
        """Seconds until the line's next attempt, which are none where it `moves` to another target; None to give up."""
        after = outcome.after_seconds
        if self._sending.has_several and self._asks_to_wait(target, outcome, after):
            after = None  # The pause is the target's alone.
        delay = next_delay(
            self._throttles if outcome.throttled else self._errors,
            attempt=attempts.throttles if outcome.throttled else attempts.errors,
            after_seconds=None if moves else after,
            jitter=0.0 if moves else random.random(),
            remaining_seconds=self._batch.remaining_seconds(self._now()),
        )
        if delay is not None and after:
            self._asks_to_wait(target, outcome, delay)
        return delay

    def _asks_to_wait(self, target: TargetPace, outcome: Retry, seconds: float | None) -> bool:
        """Whether the upstream asks for so long a pause that it is left alone."""
        if not seconds or seconds < self._pause_seconds:
            return False
        self._sending.asked_to_wait(target, outcome.reason, seconds)
        return True

    def broken(self, number: int, custom_id: str | None) -> Entry:
        """The entry of a line that our own code could not deal with. Nothing in here can break again."""
        return self._failure(number, custom_id, Failed(status=None, body=error_object(NeverRan.INTERNAL_ERROR)))

    def _entry(self, number: int, line: RequestLine, outcome: Succeeded | Failed) -> Entry:
        if isinstance(outcome, Failed):
            return self._failure(number, line.custom_id, outcome)
        result = success_line(
            self._batch.vendor,
            request_line_id=line_id(self._batch.id, number),
            custom_id=line.custom_id,
            request_id=outcome.request_id,
            body=outcome.body,
        )
        return Entry(number, True, self._billed(outcome), outcome.model, msgspec.Raw(memoryview(result)[:-1]))

    def _billed(self, outcome: Succeeded) -> Usage:
        usage = outcome.usage
        if self._makes_images:
            usage = msgspec.structs.replace(usage, images=count_images(outcome.body))
        return billed(usage, self._batch.price)

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


def _policy(settings: Settings, max_attempts: int) -> RetryPolicy:
    return RetryPolicy(
        max_attempts=max_attempts, first_seconds=settings.retry_first_seconds, max_seconds=settings.retry_max_seconds
    )
