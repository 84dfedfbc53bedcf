"""What a lane does now, by what it has seen: its part of the deployment, whether its slice ends, its last word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.pace.fair_share import Claim
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.pace.lane_decision import (
    Decision,
    End,
    HostState,
    LastWord,
    Sight,
    decide,
    is_own,
    last_word,
    next_look,
    rest_seconds,
    until_next_slice,
)
from shared.domain.pace.lane_part import Limits, Own, Part, Terms, first_part, part_of
from shared.domain.pace.rate_headers import ObservedLimits
from shared.domain.pace.run_state import RunState

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)  # The begin of an even turn of 15 seconds.
TERMS = Terms(
    own=Own(batch_id="b", lane=1, lanes=2, holder="me"),
    limits=Limits(concurrency=8, requests_per_minute=600, tokens_per_minute=6000),
    heartbeat_seconds=3.0,
    stale_seconds=12.0,
    turn_seconds=15.0,
)
PART = Part(share=4)
NO_PART = Part(share=0)


def beat(batch_id: str, lane: int, **changes: Any) -> Heartbeat:
    return Heartbeat(**{"deployment": "m", "batch_id": batch_id, "lane": lane, "at": NOON} | changes)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def of(limits: Limits) -> Terms:
    return msgspec.structs.replace(TERMS, limits=limits)


OWN = [beat("b", 0), beat("b", 1, holder="me")]


@pytest.mark.parametrize(
    ("beats", "part"),
    [
        (OWN, Part(share=4, requests_per_minute=300.0, tokens_per_minute=3000.0)),
        ([OWN[1]], Part(share=8, requests_per_minute=600.0, tokens_per_minute=6000.0)),
        ([OWN[1], beat("b", 0, at=after(-13))], Part(share=8, requests_per_minute=600.0, tokens_per_minute=6000.0)),
        ([*OWN, beat("c", 0)], Part(share=2, requests_per_minute=150.0, tokens_per_minute=1500.0)),
        ([], Part(share=8, requests_per_minute=600.0, tokens_per_minute=6000.0)),  # It counts itself in any case.
    ],
    ids=["its half", "alone", "the other is stale", "beside another batch", "nobody beats"],
)
def test_the_part_of_a_lane(beats: list[Heartbeat], part: Part) -> None:
    """Of eight requests at once, 600 requests and 6,000 tokens a minute."""
    assert part == part_of(TERMS, beats, NOON, is_first=False)


def test_at_the_first_look_all_lanes_of_the_batch_count() -> None:
    """They begin at this moment, and have not beaten yet."""
    assert part_of(TERMS, [OWN[1]], NOON, is_first=True).share == 4


def test_the_part_of_a_lane_beside_other_projects() -> None:
    """Three batches of another project have half of it; a project of weight 3 has three times what others have."""
    of_others = [beat(f"a{number}", 0, claim=Claim(project="p")) for number in range(3)]
    heavier = [beat("h", 0, claim=Claim(project="q", weight=3))]
    terms = msgspec.structs.replace(TERMS, limits=Limits(concurrency=20, requests_per_minute=600))
    shares = [part_of(terms, [*OWN, *others], NOON, is_first=False) for others in (of_others, [*of_others, *heavier])]

    assert [(5, 150.0), (2, 60.0)] == [(part.share, part.requests_per_minute) for part in shares]


@pytest.mark.parametrize(
    ("other", "finds_it_sick"),
    [
        (beat("b", 0, sick=True), True),
        (beat("b", 0, sick=True, at=after(-40), paused_until=after(5)), True),
        (beat("b", 0, sick=True, at=after(-13)), False),
        (beat("b", 0), False),
        (beat("b", 1, holder="me", sick=True), False),
        (beat("c", 0, sick=True), False),
    ],
    ids=["at work", "in its pause", "gone", "well", "the lane itself", "of another batch"],
)
def test_another_lane_finds_the_upstream_sick(other: Heartbeat, finds_it_sick: bool) -> None:
    """It has not been answered since: whatever befalls this lane may be the upstream's fault as well."""
    assert part_of(TERMS, [other], NOON, is_first=False).finds_it_sick is finds_it_sick


def test_the_newest_claim_counts() -> None:
    """A weight may be changed while batches run; the lane's own is in its terms."""
    beats = [*OWN, beat("c", 0, claim=Claim(weight=3)), beat("c", 1, at=after(1), claim=Claim(project="p", weight=1))]

    assert part_of(TERMS, beats, NOON, is_first=False).share == 2
    assert part_of(TERMS, beats[::-1], NOON, is_first=False).share == 2


@pytest.mark.parametrize(
    ("configured", "seen", "rate"),
    [(600, 400, 200.0), (400, 600, 200.0), (None, 400, 200.0), (600, None, 300.0), (None, None, None)],
)
def test_the_stricter_limit_counts(configured: int | None, seen: int | None, rate: float | None) -> None:
    """The configured one, or what an upstream's headers said to any lane; half of it each."""
    terms = of(Limits(concurrency=8, requests_per_minute=configured, tokens_per_minute=configured))
    observed = ObservedLimits(requests_per_minute=seen, tokens_per_minute=seen)
    part = part_of(terms, [beat("b", 0, observed=observed), OWN[1]], NOON, is_first=False)

    assert (rate, rate) == (part.requests_per_minute, part.tokens_per_minute)


@pytest.mark.parametrize(
    ("beats", "seconds", "part"),
    [
        (OWN, 0, Part(share=0, is_spare=True)),
        ([OWN[1], beat("a", 0)], 0, Part(share=0)),
        ([OWN[1], beat("a", 0)], 15, Part(share=1, requests_per_minute=59.1)),
        ([OWN[1], beat("a", 0, at=after(-13))], 0, Part(share=1, requests_per_minute=59.1)),
    ],
    ids=["lane 0 does it all", "the turn of another batch", "its turn", "the other batch is gone"],
)
def test_where_the_limit_is_too_small(beats: list[Heartbeat], seconds: float, part: Part) -> None:
    """Of one request at once: no lane without a share has a rate. When it sends is another matter (`test_lane_part`)."""
    beats = [msgspec.structs.replace(one, at=one.at + timedelta(seconds=seconds)) for one in beats]
    terms = of(Limits(concurrency=1, requests_per_minute=60))

    found = part_of(terms, beats, after(seconds), is_first=False)

    assert part == msgspec.structs.replace(found, ready=part.ready)


def test_a_pause_that_the_upstream_asked_for_holds_for_every_lane() -> None:
    """The longest one, with what the lane that was asked says of it; one that waits for its turn asks nobody."""
    beats = [
        *OWN,
        beat("c", 0, paused_until=after(40), asked=True, reason="It asks for 40 seconds."),
        beat("d", 0, paused_until=after(20), asked=True, reason="It asks for 20 seconds."),
        beat("e", 0, paused_until=after(60), reason="Down."),
    ]
    part = part_of(TERMS, beats, NOON, is_first=False)

    assert (4, 40.0, "It asks for 40 seconds.") == (part.share, part.pause_seconds, part.pause_reason)


@pytest.mark.parametrize(("concurrency", "lanes", "share"), [(8, 2, 4), (9, 2, 4), (1, 4, 1)])
def test_before_the_first_look(concurrency: int, lanes: int, share: int) -> None:
    """A lane expects its batch to be alone, and one request at least."""
    terms = Terms(
        own=Own(batch_id="b", lane=0, lanes=lanes, holder="me"),
        limits=Limits(concurrency=concurrency, requests_per_minute=600),
        heartbeat_seconds=3.0,
        stale_seconds=12.0,
        turn_seconds=15.0,
    )

    assert Part(share=share, requests_per_minute=600) == first_part(terms)


@pytest.mark.parametrize(
    ("seen", "ends"),
    [
        ({}, End(0)),
        ({"is_in_progress": False}, End.BATCH),
        ({"remaining_seconds": 0.1}, End(0)),
        ({"remaining_seconds": 0.0}, End.BATCH),
        ({"remaining_seconds": -5.0}, End.BATCH),
        ({"run": RunState.END}, End.RUN),
        ({"run": RunState.WAIT}, End.SUSPENDED),
        ({"is_own": False}, End.LOST),
        ({"slice_seconds": 0.0}, End.SLICE),
        ({"part": NO_PART}, End(0)),  # Others may only have been expected to begin with it.
        ({"part": NO_PART, "looks": 2}, End.TURN),
        ({"part": Part(share=0, is_spare=True), "looks": 2}, End.TURN),
        ({"is_as_wished": False}, End.WISH),
        ({"is_wanted": True}, End.ROOM),
        ({"host": HostState.STOPS}, End.HOST),
        ({"host": HostState.GONE}, End.HOST | End.LOST),
        ({"is_in_progress": False, "is_own": False, "slice_seconds": -1.0}, End.BATCH | End.LOST | End.SLICE),
    ],
)
def test_why_a_slice_ends(seen: dict[str, Any], ends: End) -> None:
    """Each reason by itself, and several at once."""
    decision = decide(Sight(**{"part": PART, "slice_seconds": 100.0, "looks": 1} | seen))

    assert (ends, ends != End(0)) == (decision.ends, decision.stops)


@pytest.mark.parametrize(
    ("end", "must_end", "is_over", "is_lost", "asks_run"),
    [
        (End(0), False, False, False, True),
        (End.BATCH, True, True, False, False),
        (End.RUN, False, True, False, True),
        (End.LOST, False, False, True, False),
        (End.SLICE, False, False, False, False),
        (End.TURN, False, False, False, False),
        (End.SUSPENDED, False, False, False, True),  # As long as it is, the lane says so anew.
        (End.WISH, False, False, False, True),
        (End.ROOM, False, False, False, True),
        (End.HOST, False, False, False, True),
        (End.BATCH | End.LOST, True, True, True, False),
    ],
)
def test_what_follows_from_an_end(end: End, must_end: bool, is_over: bool, is_lost: bool, asks_run: bool) -> None:
    """A short wait for what is in flight, no next slice, silence in a row that is another's, a question for the run."""
    decision = Decision(PART, end)

    assert (must_end, is_over, is_lost) == (decision.must_end, decision.is_over, decision.is_lost)
    assert asks_run is decision.asks_run


@pytest.mark.parametrize(
    ("ends", "seconds"),
    [
        ((100.0, None), 3.0),
        ((2.0, 1.0), 1.0),
        ((100.0, 0.001), 0.05),
        ((-1.0, None), 3.0),  # An end that has come calls for no haste.
        ((0.0, -5.0), 3.0),
    ],
)
def test_when_a_lane_looks_again(ends: tuple[float | None, ...], seconds: float) -> None:
    """After a heartbeat, or when the slice or the batch ends."""
    assert seconds == next_look(3.0, *ends)


@pytest.mark.parametrize(
    ("beats", "is_ours"),
    [
        (OWN, True),
        ([beat("b", 1, holder="other")], False),
        ([beat("b", 0, holder="me"), beat("c", 1, holder="me")], False),
        ([], False),
    ],
)
def test_whose_the_row_is(beats: list[Heartbeat], is_ours: bool) -> None:
    """The lane's own row, in this call's name."""
    assert is_ours is is_own(TERMS, beats)


@pytest.mark.parametrize(
    ("decision", "seconds"),
    [
        (Decision(PART, End.SLICE), 0.0),
        (Decision(PART, End.LOST), 3.0),
        (Decision(NO_PART, End.TURN), 5.0 + 3.0),
        (Decision(NO_PART, End.TURN | End.LOST), 3.0),
    ],
    ids=["goes on at once", "leaves it to the other", "until its turn, and a heartbeat", "lost, whoever's turn it is"],
)
def test_how_long_a_lane_rests(decision: Decision, seconds: float) -> None:
    """Ten seconds after the begin of a turn."""
    assert seconds == rest_seconds(decision, TERMS, after(10))


@pytest.mark.parametrize(
    ("rest", "pause", "remaining", "seconds"),
    [
        (0.0, 0.0, None, 0.0),
        (8.0, 5.0, None, 8.0),
        (8.0, 40.0, 100.0, 40.0),
        (8.0, 40.0, 30.0, 30.0),
        (8.0, 0.0, -1.0, 0.0),
    ],
)
def test_when_the_next_slice_begins(rest: float, pause: float, remaining: float | None, seconds: float) -> None:
    """After whatever lasts longer, but no later than the deadline."""
    assert seconds == until_next_slice(rest, pause, remaining)


@pytest.mark.parametrize(
    ("rest", "pause", "is_done", "word", "queued"),
    [
        (0.0, 0.0, False, None, None),
        (8.0, 0.0, False, LastWord(8.0, 0.0), True),
        (0.0, 40.0, False, LastWord(40.0, 40.0), False),
        (8.0, 5.0, False, LastWord(8.0, 5.0), False),  # While it waits the upstream is left alone as well.
        (8.0, 40.0, True, None, None),
    ],
)
def test_the_last_word(rest: float, pause: float, is_done: bool, word: LastWord | None, queued: bool | None) -> None:
    """None where the lane is done or goes on at once."""
    said = last_word(rest, pause, is_done=is_done)

    assert (word, queued) == (said, said.queued if said else None)
