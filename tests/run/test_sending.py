"""When a lane sends, by what it is told: one object, asked and told without a single wait."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest

from shared.answer_room import AnswerRoom
from shared.domain.deployments.deployment import Target
from shared.domain.pace.adaptive_rate import Slowing
from shared.domain.pace.budget import Budget
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.pace.lane_part import Part
from shared.domain.pace.rate_headers import ObservedLimits
from shared.domain.pace.upstream_health import Patience
from shared.domain.upstream.upstream import Failed, Retry, Succeeded
from shared.domain.usage.usage import Usage
from shared.run.lane.sending import Sending
from shared.run.lane.target_pace import TargetPace

ROOM = AnswerRoom(1_000_000)
FAILED = Failed(status=400, body=b"{}")
DOWN = Retry(reason="unreachable", after_seconds=None, throttled=False, final=FAILED, blameless=True)
THROTTLED = Retry(reason="status_429", after_seconds=None, throttled=True, final=FAILED)
SUCCESS = Succeeded(body=b"{}", usage=Usage(input_tokens=20, output_tokens=10), model=None, request_id=None)
TARGET = Target(name="m", base_url="http://upstream")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIMITS = {"x-ratelimit-limit-requests": "90"}


def sending(share: int = 4, *, waited: float = 0.0, **rates: float) -> Sending:
    patience = Patience(waited_seconds=waited, most_seconds=1800.0, probe_seconds=30.0)
    return Sending([TARGET], Part(share=share, **rates), patience, Budget(1_000_000), 0.0)


async def inside(asked: Sending, requests: int) -> int:
    """How many of so many requests are let in at once."""
    visits = [asyncio.ensure_future(asked.gate.visit(1, ROOM.share()).enter()) for _ in range(requests)]
    await asyncio.sleep(0)
    for visit in visits:
        visit.cancel()
    await asyncio.gather(*visits, return_exceptions=True)
    return asked.gate.in_flight


async def test_as_many_as_its_share() -> None:
    """And as many as a new one, from then on; without a share it keeps what it had."""
    asked = sending(2)
    waiting = [asyncio.ensure_future(asked.gate.visit(1, ROOM.share()).enter()) for _ in range(9)]
    counts = []
    for part in (Part(share=2), Part(share=5), Part(share=0)):
        asked.take(part, 0.0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        counts.append(asked.gate.in_flight)
    asked.gate.close()
    await asyncio.gather(*waiting)

    assert [2, 5, 5] == counts


async def test_an_upstream_that_was_sick_is_asked_by_one_request() -> None:
    """Until it answers, good or bad; then whoever waits goes at once."""
    asked = sending(4, waited=5.0)
    waiting = [asyncio.ensure_future(asked.gate.visit(1, ROOM.share()).enter()) for _ in range(9)]
    await asyncio.sleep(0)
    before = asked.gate.in_flight
    asked.answered(asked.targets[0], FAILED, asked.targets[0].sent(), 10)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    after = asked.gate.in_flight
    asked.gate.close()
    await asyncio.gather(*waiting)

    assert ((1, 4), 0.0) == ((before, after), asked.waited_seconds)


async def test_a_refused_lane_says_why_it_is_slow() -> None:
    """For half a minute; one refusal closes no place."""
    asked = sending(4)
    assert asked.failed(asked.targets[0], 1, THROTTLED, 10.0)

    assert 4 == await inside(asked, 9)
    assert "HTTP 429" in (asked.slowed(40.0) or "")
    assert asked.slowed(40.1) is None
    assert not asked.stop.is_set()


async def test_many_refusals_slow_a_lane_down() -> None:
    """It tells the others that it tries whether that helps."""
    asked = sending(4)
    delays = []
    for number in range(20):
        delays.append(asked.choose(1, number / 10)[1])
        asked.failed(asked.targets[0], number, THROTTLED, number / 10)

    assert (0.0, True) == (delays[0], any(delays))
    assert asked.slowing is Slowing.TRIED
    assert asked.targets[0].beat(2.0, NOON).slowing is Slowing.TRIED
    assert not asked.has_news(2.0)


async def test_the_next_slice_knows_what_is_refused_by_chance() -> None:
    """It has its places from the beginning, and hands that on."""
    asked = sending(4)
    asked.inherit(Heartbeat(deployment="m", batch_id="b", lane=0, at=NOON, chance=0.2), NOON)
    now = time.monotonic()
    for number in range(20):
        asked.choose(1, now)
        if number % 5 == 0:
            asked.failed(asked.targets[0], number, THROTTLED, now)

    assert (0.0, 0.2) == (asked.choose(1, now)[1], asked.chance(now))
    assert asked.slowing is None
    assert asked.has_news(now)
    assert not asked.has_news(now + 700)


async def test_requests_keep_to_the_rate() -> None:
    """Of 60 a minute: one goes, the next may after a second."""
    asked = sending(4, requests_per_minute=60.0)

    assert [0.0, 1.0, 0.5, 0.0] == [asked.choose(1, now)[1] for now in (0.0, 0.0, 0.5, 1.0)]


async def test_tokens_are_counted_as_the_upstream_does() -> None:
    """It counts three for each that was estimated: after many answers, so does the lane."""
    asked = sending(4)
    before = asked.targets[0].counted(100)
    for _ in range(200):
        asked.answered(asked.targets[0], SUCCESS, asked.targets[0].sent(), 10)

    assert (100, 299) == (before, asked.targets[0].counted(100))


async def test_an_upstream_that_cannot_be_reached_is_left_alone() -> None:
    """The slice ends, the line does not pay, and the next slice knows how long it has been waited for."""
    asked = sending(4, waited=0.0)
    asked.targets[0].sent()

    assert not asked.failed(asked.targets[0], 1, DOWN, time.monotonic())
    assert asked.stop.is_set()
    assert (5, 5) == (round(asked.wait_seconds), round(asked.waited_seconds))
    assert (False, "cannot be reached" in (asked.reason or "")) == (asked.asked, True)


async def test_a_slice_that_sent_nothing_has_not_found_the_upstream_well() -> None:
    """What was waited for it before is handed on."""
    assert 40.0 == sending(4, waited=40.0).waited_seconds


@pytest.mark.parametrize(("pause", "stops", "asks"), [(0.0, False, False), (40.0, True, True)])
async def test_a_pause_of_all_lanes_is_its_own(pause: float, stops: bool, asks: bool) -> None:
    """Other lanes were asked to leave the upstream alone: this one does so, too, and says so."""
    asked = sending(4)
    asked.take(Part(share=4, pause_seconds=pause, pause_reason="It asks for 40 seconds."), 0.0)

    assert (stops, asks, round(pause)) == (asked.stop.is_set(), asked.asked, round(asked.wait_seconds))


async def test_limits_are_news_once() -> None:
    """What headers name anew makes the watch look; an answer that says nothing takes nothing back."""
    asked, told = sending(4), []
    for now, headers in ((0.0, LIMITS), (2.0, {}), (4.0, LIMITS)):
        asked.heard(asked.targets[0], headers, now)
        told.append(asked.news.is_set())
        asked.news.clear()

    assert [True, False, False] == told
    assert ObservedLimits(requests_per_minute=90) == asked.targets[0].limits


async def test_a_lane_of_a_low_limit_begins_with_its_turn() -> None:
    """A quarter of its next request is there: of 30 a minute, it goes after 1.5 s, and again after two more."""
    targets = [Target(name="m", target=name, base_url="http://upstream") for name in "ab"]
    parts = [Part(share=4, requests_per_minute=30.0, ready=ready) for ready in (0.25, 0.5)]
    patience = Patience(waited_seconds=0.0, most_seconds=1800.0, probe_seconds=30.0)
    part = Part(share=8, targets=tuple(parts))
    asked = Sending(targets, part, patience, Budget(1_000_000), 0.0)
    asked.take(part, 0.0)
    asked.take(part, 0.5)
    went = [
        (chosen.target.target, now) for now in (0.0, 0.9, 1.0, 1.4, 1.5, 2.9, 3.0, 3.5) if (chosen := go(asked, now))
    ]

    assert went == [("b", 1.0), ("a", 1.5), ("b", 3.0), ("a", 3.5)]


def go(asked: Sending, now: float) -> TargetPace | None:
    """The target that a request goes to at once."""
    chosen, delay = asked.choose(1, now)
    return chosen if delay == 0.0 else None
