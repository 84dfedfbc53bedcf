"""A lane's part of several targets: of each by its own limits, from the same rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.domain.pace.adaptive_rate import Slowing
from shared.domain.pace.heartbeat import Heartbeat, TargetBeat
from shared.domain.pace.lane_part import Limits, Own, Part, Terms, first_part, part_of
from shared.domain.pace.rate_headers import ObservedLimits

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TERMS = Terms(
    own=Own(batch_id="b", lane=1, lanes=2, holder="me"),
    limits=Limits(concurrency=11),
    targets=(Limits(concurrency=8, requests_per_minute=600, target="east"), Limits(concurrency=3, target="west")),
    heartbeat_seconds=3.0,
    stale_seconds=12.0,
    turn_seconds=15.0,
)


def beat(lane: int, *targets: TargetBeat, batch_id: str = "b", at: float = 0.0) -> Heartbeat:
    return Heartbeat(
        deployment="m", batch_id=batch_id, lane=lane, at=NOON + timedelta(seconds=at), holder="me", targets=targets
    )


def seen(target: str, limit: int) -> TargetBeat:
    return TargetBeat(target=target, observed=ObservedLimits(requests_per_minute=limit))


def part(*beats: Heartbeat, terms: Terms = TERMS) -> Part:
    return part_of(terms, beats, NOON, is_first=False)


def test_before_the_first_look_it_has_its_lanes_part_of_each() -> None:
    """As if no other batch were there; one request at least."""
    found = first_part(TERMS)

    assert (found.share, [each.share for each in found.of_targets]) == (5, [4, 1])


def test_each_target_is_shared_out_by_itself() -> None:
    """Half of eight, and the second lane's part of three; the rate of the one that has a limit."""
    found = part(beat(0), beat(1))

    assert found == Part(share=5, targets=(Part(share=4, requests_per_minute=300.0), Part(share=1)))


@pytest.mark.parametrize("lanes", [1, 2, 3, 8])
def test_the_parts_of_all_lanes_are_the_limits(lanes: int) -> None:
    """Neither more nor less, of each target."""
    beats = [beat(lane) for lane in range(lanes)]
    parts = [part(*beats, terms=_as(lane, lanes)) for lane in range(lanes)]

    assert [sum(each.of_targets[n].share for each in parts) for n in (0, 1)] == [8, 3]
    assert sum(each.of_targets[0].requests_per_minute or 0.0 for each in parts) == 600.0


def _as(lane: int, lanes: int) -> Terms:
    return Terms(
        own=Own(batch_id="b", lane=lane, lanes=lanes, holder="me"),
        limits=TERMS.limits,
        targets=TERMS.targets,
        heartbeat_seconds=3.0,
        stale_seconds=12.0,
        turn_seconds=15.0,
    )


def test_limits_named_by_headers_are_the_targets() -> None:
    """The newest word on each, from whichever lane; the other target knows nothing of it."""
    found = part(beat(0, seen("east", 100), at=-2.0), beat(1, seen("east", 90), seen("west", 40), at=-1.0))

    assert [each.requests_per_minute for each in found.of_targets] == pytest.approx([45.0, 0.985 * 20.0])


def test_a_pause_that_was_asked_for_is_the_targets() -> None:
    """The longest; one that nobody asked for is another lane's own affair."""
    asked = TargetBeat(target="east", paused_until=NOON + timedelta(seconds=40), asked=True, reason="It wants rest.")
    sick = TargetBeat(target="west", paused_until=NOON + timedelta(seconds=9), sick=True, reason="It is sick.")
    east, west = part(beat(0, asked, sick), beat(1)).of_targets

    assert (east.pause_seconds, east.pause_reason, west.pause_seconds) == (40.0, "It wants rest.", 0.0)


def test_batches_take_turns_at_different_targets() -> None:
    """Where no target has room for both, each batch has one of them at any time."""
    small = (Limits(concurrency=1, target="east"), Limits(concurrency=1, target="west"))
    found = []
    for batch_id in ("b", "c"):
        own = Own(batch_id=batch_id, lane=0, lanes=1, holder="me")
        terms = Terms(
            own=own,
            limits=Limits(concurrency=2),
            targets=small,
            heartbeat_seconds=3.0,
            stale_seconds=12.0,
            turn_seconds=15.0,
        )
        found.append([each.share for each in part(beat(0), beat(0, batch_id="c"), terms=terms).of_targets])

    assert sorted(found) == [[0, 1], [1, 0]]


def test_without_a_share_of_any_it_is_spare() -> None:
    """Other lanes of its batch have all there is."""
    found = part(*(beat(lane) for lane in range(12)), terms=_as(11, 12))

    assert (found.share, found.is_spare) == (0, True)


@pytest.mark.parametrize("targets", ["one", "several"])
def test_lanes_of_a_low_limit_send_one_after_another(targets: str) -> None:
    """Four lanes of 120 requests a minute: each has its own half second of two, by the clock."""
    limits = Limits(concurrency=8, requests_per_minute=120, target="east")
    beats = [beat(lane) for lane in range(4)]
    ready = []
    for lane in range(4):
        terms = Terms(
            own=Own(batch_id="b", lane=lane, lanes=4, holder="me"),
            limits=limits,
            targets=(limits,) if targets == "several" else (),
            heartbeat_seconds=3.0,
            stale_seconds=12.0,
            turn_seconds=15.0,
        )
        ready.append(part(*beats, terms=terms).of_targets[0].ready)

    assert ready == [0.0, 0.75, 0.5, 0.25]


@pytest.mark.parametrize(("limit", "rate"), [(60, 59.1), (20, 19.7), (61, 61.0)])
def test_a_limit_of_a_request_a_second_is_not_used_to_the_last_moment(limit: int, rate: float) -> None:
    """There a request that comes a millisecond too early would be refused."""
    terms = Terms(
        own=Own(batch_id="b", lane=0, lanes=1, holder="me"),
        limits=Limits(concurrency=8, requests_per_minute=limit),
        heartbeat_seconds=3.0,
        stale_seconds=12.0,
        turn_seconds=15.0,
    )

    assert part(beat(0), terms=terms).requests_per_minute == pytest.approx(rate)


@pytest.mark.parametrize(
    ("other", "agrees"),
    [
        (beat(0, TargetBeat(target="east", slowing=Slowing.TRIED)), [False, True]),
        (beat(0, TargetBeat(target="west", slowing=Slowing.TRIED), batch_id="c"), [True, False]),
        (beat(0, TargetBeat(target="east", slowing=Slowing.IN_VAIN)), [True, True]),
        (beat(0, TargetBeat(target="east", chance=0.2)), [True, True]),
        (beat(1, TargetBeat(target="east", slowing=Slowing.TRIED)), [True, True]),
        (beat(0, TargetBeat(target="east", slowing=Slowing.TRIED), at=-13.0), [True, True]),
    ],
)
def test_lanes_agree_that_slowing_down_is_in_vain(other: Heartbeat, agrees: list[bool]) -> None:
    """Unless another one that is at work there, of whatever batch, still tries; what this one said is no matter."""
    assert [each.agrees for each in part(beat(1), other).of_targets] == agrees


def test_lanes_agree_on_the_only_target() -> None:
    """The same, where the row itself says it."""
    alone = msgspec.structs.replace(TERMS, targets=())
    other = msgspec.structs.replace(beat(0), slowing=Slowing.TRIED)

    assert not part(beat(1), other, terms=alone).agrees
    assert part(beat(1), msgspec.structs.replace(other, slowing=Slowing.IN_VAIN), terms=alone).agrees
