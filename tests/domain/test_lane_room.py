"""Places for lanes in one process: who gets one, who makes room, and for how long the others wait."""

from __future__ import annotations

import pytest

from shared.domain.pace.lane_room import AGAIN_SECONDS, SPARE_SECONDS, TURN_SECONDS, LaneRoom, Place


def entered(room: LaneRoom, batch_id: str, now: float = 0.0) -> Place:
    place = room.enter(batch_id, now)
    assert isinstance(place, Place)
    return place


def test_there_is_room_up_to_its_size() -> None:
    """For the lanes of one batch as for those of many; the next lane of that batch comes again later."""
    room = LaneRoom(4)
    for _ in range(4):
        entered(room, "a")

    assert room.enter("a", 0.0) == SPARE_SECONDS


def test_a_new_batch_begins_at_once() -> None:
    """The lane of the batch with the most that is longest at work makes room for it."""
    room = LaneRoom(3)
    other, first, second = entered(room, "b"), entered(room, "a", 1.0), entered(room, "a", 2.0)
    entered(room, "c", 3.0)

    assert [False, True, False] == [place.must_leave for place in (other, first, second)]


def test_lanes_are_shared_out_by_batch() -> None:
    """A further lane is let in while another batch has two more; then each has as many."""
    room = LaneRoom(4)
    many = [entered(room, "a") for _ in range(4)]
    entered(room, "b")
    room.leave(next(place for place in many if place.must_leave))
    entered(room, "b")

    assert room.enter("b", 0.0) == SPARE_SECONDS
    assert 2 == sum(place.must_leave for place in many)


def test_where_every_batch_has_one_they_take_turns() -> None:
    """A lane that has had its turn makes room for a batch that has none here; before that, the batch asks again soon."""
    room = LaneRoom(2)
    oldest, newer = entered(room, "a", 0.0), entered(room, "b", 1.0)
    early = room.enter("c", 0.9)
    assert room.enter("c", TURN_SECONDS - 0.1) == AGAIN_SECONDS
    entered(room, "c", TURN_SECONDS)

    assert (AGAIN_SECONDS, True, False) == (early, oldest.must_leave, newer.must_leave)
    assert room.pause_after(oldest, TURN_SECONDS) == AGAIN_SECONDS


def test_what_makes_room_leaves_slots_free() -> None:
    """However many come, and however long those take that leave: new ones get in longest, never twice as many."""
    room = LaneRoom(4)
    came = [room.enter(f"b{number}", 10.0 * number) for number in range(20)]

    known = LaneRoom(4, _known=dict.fromkeys(f"b{number}" for number in range(20)))
    turns = [known.enter(f"b{number}", 10.0 * number) for number in range(4)]
    turns += [known.enter("b4", 100.0), known.enter("b5", 200.0)]

    assert 7 == sum(isinstance(one, Place) for one in came)
    assert 5 == sum(isinstance(one, Place) for one in turns)


def test_a_place_is_free_when_it_is_left() -> None:
    """And a lane that nobody waits for needs no pause."""
    room = LaneRoom(1)
    place = entered(room, "a")
    room.leave(place)

    entered(room, "b")
    assert room.pause_after(place, 0.0) == 0.0


def test_places_are_shared_out_by_project() -> None:
    """Eight batches of one team have all places: two of another team have half of them, at once, and keep them."""
    room = LaneRoom(8)
    many = [room.enter(f"a{number}", 0.0, "a") for number in range(8)]
    few = []
    for number in range(5):
        few.append(room.enter(f"b{number % 2}", 1.0 + number, "b"))
        for place in many:
            if isinstance(place, Place) and place.must_leave and place in room._places:
                room.leave(place)

    assert [True, True, True, True, False] == [isinstance(one, Place) for one in few]
    assert 4 == sum(isinstance(one, Place) and one.must_leave for one in many)
    assert isinstance(room.enter("a8", 100.0, "a"), Place)  # in place of one of its own team, which had its turn
    assert not any(isinstance(one, Place) and one.must_leave for one in few)


@pytest.mark.parametrize(("batches", "longest"), [(4, 7.5), (40, 97.5)])
def test_the_more_wait_the_longer(batches: int, longest: float) -> None:
    """Of forty batches that share four places, the last comes again after the turns of the others, the first soon."""
    room = LaneRoom(4)
    for number in range(4):
        entered(room, f"at work {number}")
    waits = [room.enter(f"waits {number}", 0.01 * number) for number in range(batches)]

    assert (AGAIN_SECONDS, longest) == (waits[0], waits[-1])


def test_those_who_wait_go_in_order() -> None:
    """Whoever had its turn waits behind those that wait already; one that is new here goes first."""
    room = LaneRoom(1)
    places = {"a": entered(room, "a", 0.0)}

    def give_way(batch_id: str, to: str, now: float) -> float:
        places[to] = entered(room, to, now)
        room.leave(places[batch_id])
        return room.pause_after(places[batch_id], now)

    assert give_way("a", to="b", now=1.0) == AGAIN_SECONDS
    assert give_way("b", to="new", now=2.0) == TURN_SECONDS  # behind "a"
    assert room.enter("b", 12.0) == TURN_SECONDS
    assert give_way("new", to="a", now=12.1) == TURN_SECONDS  # behind "b"


def test_every_batch_has_its_turn() -> None:
    """Fifty batches on four places, each lane at work until it is asked to leave: none waits for ever, or starves."""
    room, now = LaneRoom(4), 0.0
    due = dict.fromkeys((f"b{number}" for number in range(50)), 0.0)
    at_work: dict[str, Place] = {}
    turns = dict.fromkeys(due, 0)
    while now < 300:
        for batch, place in list(at_work.items()):
            if place.must_leave:
                due[batch] = now + room.pause_after(place, now)
                room.leave(at_work.pop(batch))
        for batch in [name for name, at in due.items() if at <= now and name not in at_work]:
            got = room.enter(batch, now)
            if isinstance(got, Place):
                at_work[batch] = got
                turns[batch] += 1
            else:
                due[batch] = now + got
        now += 0.25

    assert min(turns.values()) >= 2
    assert len(at_work) <= 7
