from collections import Counter
from fractions import Fraction
from math import ceil, floor

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.pace.fair_share import Claim, Pacer, shares

LANES = st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.integers(0, 9), min_size=1), min_size=1)


CLAIMS = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.tuples(st.sampled_from(["p", "q", "r"]), st.sampled_from([1, 4, 16])),
    min_size=1,
)
WEIGHTS = st.fixed_dictionaries({project: st.integers(1, 5) for project in "pqr"})


def claimed(asked, weights):
    """Claims of batches, and what part of the whole each is due."""
    claims = {
        name: Claim(project=each, weight=weights[each], urgency=urgency) for name, (each, urgency) in asked.items()
    }
    whole = sum(weights[project] for project in {each for each, _ in asked.values()})
    due = {
        name: Fraction(weights[each], whole) * Fraction(urgency, sum(u for other, u in asked.values() if other == each))
        for name, (each, urgency) in asked.items()
    }
    return claims, due


def by_batch(slots):
    sums = Counter()
    for (name, _), part in slots.items():
        sums[name] += part
    return sums


@given(lanes=LANES, limit=st.integers(1, 100_000), turn=st.integers(0, 10**9))
def test_shares_sum_to_the_limit(lanes, limit, turn):
    """Never more than the limit, however many lanes there are, and no less: nothing is left unused."""
    assert sum(shares(limit, lanes, turn).slots.values()) == limit


@given(lanes=LANES, limit=st.integers(1, 100_000), turn=st.integers(0, 10**9))
def test_batches_get_equal_parts(lanes, limit, turn):
    """Batches differ by at most one, whatever their lanes; so do the lanes of one batch, the lowest first."""
    found = shares(limit, lanes, turn)
    sums = by_batch(found.slots)
    parts = [[found.of(name, lane) for lane in sorted(lanes[name])] for name in lanes]

    assert max(sums[name] for name in lanes) - min(sums[name] for name in lanes) <= 1
    assert all(max(one) - min(one) <= 1 for one in parts)
    assert all(one == sorted(one, reverse=True) for one in parts)


@given(lanes=LANES, limit=st.integers(1, 8), first=st.integers(0, 10**9))
def test_every_batch_has_its_turn(lanes, limit, first):
    """Within as many turns as it takes all to have theirs, each batch has had one, from any turn on."""
    turns = -(-len(lanes) // limit)
    seen = {name for turn in range(first, first + turns) for name in lanes if shares(limit, lanes, turn).has_turn(name)}

    assert seen == set(lanes)


@given(asked=CLAIMS, weights=WEIGHTS, limit=st.integers(1, 1000), turn=st.integers(0, 10**9))
def test_parts_follow_project_and_urgency(asked, weights, limit, turn):
    """Those of a batch and of a project are what they are due, but for being whole; and all sum to the limit."""
    claims, due = claimed(asked, weights)
    found = shares(limit, {name: {0} for name in asked}, turn, claims)
    sums = by_batch(found.slots)

    assert sum(sums.values()) == limit
    for name in asked:
        assert floor(limit * due[name]) <= sums[name] <= ceil(limit * due[name])
    for project in {each for each, _ in asked.values()}:
        of_project = [name for name in asked if claims[name].project == project]
        whole = limit * sum(due[name] for name in of_project)
        assert floor(whole) <= sum(sums[name] for name in of_project) <= ceil(whole)


@given(asked=CLAIMS, weights=WEIGHTS, limit=st.integers(1, 8), first=st.integers(0, 10**6))
def test_every_batch_has_its_turn_by_its_part(asked, weights, limit, first):
    """Within three times as many turns as its part makes it wait, from any turn on; with equal parts in just as many."""
    claims, due = claimed(asked, weights)
    lanes = {name: {0} for name in asked}
    factor = 1 if len(set(due.values())) == 1 else 3
    longest = ceil(factor / (limit * min(due.values())))
    seen = {name for turn in range(first, first + longest) for name in shares(limit, lanes, turn, claims).parts}

    assert seen == set(asked)


@given(asked=CLAIMS, weights=WEIGHTS, limit=st.integers(1, 8))
def test_turns_come_as_often_as_they_are_due(asked, weights, limit):
    """Over many turns, no batch is four turns behind its part, where not all have one always."""
    claims, due = claimed(asked, weights)
    assume(limit * min(due.values()) < 1)
    lanes, had, turns = {name: {0} for name in asked}, Counter(), 300
    for turn in range(turns):
        had.update(by_batch(shares(limit, lanes, turn, claims).slots))

    for name in asked:
        assert had[name] > turns * limit * due[name] - 4


def test_ten_batches_of_one_team_do_not_take_ten_shares():
    """Half each for the two teams."""
    claims = {f"a{number}": Claim(project="a") for number in range(10)} | {"b": Claim(project="b")}
    found = shares(40, {name: {0, 1} for name in claims}, 0, claims)

    assert by_batch(found.slots) == {**{f"a{number}": 2 for number in range(10)}, "b": 20}
    assert found.rate(400, "b") == 100.0
    assert found.rate(400, "a3") == 10.0


def test_a_small_batch_has_its_part_beside_a_large_one():
    """One lane beside four: half each."""
    found = shares(8, {"large": {0, 1, 2, 3}, "small": {0}}, 0)

    assert by_batch(found.slots) == {"large": 4, "small": 4}


def test_lanes_past_the_part_of_their_batch_get_none():
    """A batch with more lanes than its part works with the lowest ones."""
    assert shares(6, {"a": {0, 1, 2, 3}, "b": {0}}, 0).slots == {("a", 0): 1, ("a", 1): 1, ("a", 2): 1, ("b", 0): 3}


@given(lanes=LANES, slots=st.integers(1, 20), limit=st.integers(1, 100_000), turn=st.integers(0, 100))
def test_rates_sum_to_the_limit(lanes, slots, limit, turn):
    """Limits per minute are divided among the lanes at work, without a remainder."""
    found = shares(slots, lanes, turn)
    total = sum(found.rate(limit, name) or 0.0 for name, _ in found.slots)

    assert abs(total - limit) < 1e-6 * limit


def test_no_limit_has_no_parts():
    """None stays None."""
    assert shares(8, {"a": {0}}, 0).rate(None, "a") is None


def run(pacer: Pacer, tokens: list[int], seconds: float) -> list[tuple[float, int]]:
    """Send as soon as allowed, for so many seconds: (when, tokens) of each request. The wait told is always enough."""
    now, sent = 0.0, []
    for amount in tokens:
        wait = pacer.delay(amount, now)
        now += wait
        assert wait == 0.0 or pacer.delay(amount, now) == 0.0
        if now >= seconds:
            break
        sent.append((now, amount))
    return sent


@given(per_minute=st.integers(1, 6000))
def test_pacer_keeps_requests_per_minute(per_minute):
    """In the first minute go the share and a second's worth of it (or one request), no more and hardly fewer."""
    sent = run(Pacer(per_minute, None, 0.0), [1] * (2 * per_minute + 10), 60.0)

    burst = max(1.0, per_minute / 60)
    assert per_minute - 1 <= len(sent) <= per_minute + burst + 1e-6


@given(tokens=st.lists(st.integers(0, 5000), min_size=1, max_size=60), per_minute=st.integers(60, 60_000))
def test_pacer_keeps_tokens_per_minute(tokens, per_minute):
    """Before the last request of any run no more tokens went than time and one second's worth allow."""
    sent = run(Pacer(None, per_minute, 0.0), tokens, 1e9)
    before = 0
    for now, amount in sent:
        assert before <= per_minute / 60 * (now + 1.0) + 1e-6
        before += amount

    assert len(sent) == len(tokens)


def test_pacer_lets_an_oversized_request_through():
    """A request larger than a minute's tokens is sent, and paid for by the wait of the next."""
    pacer = Pacer(None, 600, 0.0)

    assert pacer.delay(6000, 0.0) == 0.0
    assert pacer.delay(1, 0.0) > 590.0


def test_unlimited_pacer_never_waits():
    """Without limits nothing waits."""
    pacer = Pacer(None, None, 0.0)

    assert [pacer.delay(10**9, 0.0) for _ in range(100)] == [0.0] * 100


def test_resized_pacer_uses_its_new_share():
    """A share that shrinks slows the lane at once, and what was used stays used."""
    pacer = Pacer(6000, None, 0.0)
    while pacer.delay(1, 0.0) == 0.0:
        pass
    pacer.resize(60, None, 0.0)

    assert 0.9 < pacer.delay(1, 0.0) <= 1.0
    assert pacer.delay(1, 1.0) == 0.0
