"""Whole batches on bad days, by the hundred: nothing lost, nothing doubled, little paid twice.

Set FAULT_RUNS to run each kind of day that many times, from seed 0 on; a failure prints the day, and its seed with it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest

from shared.domain.batches.batch import Status
from tests.faults import days
from tests.faults.report import spread
from tests.faults.simulation import Aftermath, Day, simulate
from tests.faults.upstream import ONE_IN_FIVE, Outage

RUNS = int(os.environ.get("FAULT_RUNS", "80"))
if RUNS > 200:  # A sweep takes as long as it takes; else the limit of every test is one for what hangs.
    pytestmark = pytest.mark.timeout(0)
KINDS = {
    "storm": days.storm,
    "alike": days.alike,
    "scattered": days.scattered,
    "ended early": days.ended_early,
    "wrong clock": days.wrong_clock,
    "cursed": days.cursed,
    "outage": days.outage,
    "without ledger": days.without_ledger,
    "budget": days.budget,
    "shared budget": days.shared_budget,
    "several targets": days.several_targets,
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_bad_day_ends_well(kind: str) -> None:
    """Each custom_id once and in input order, counts and usage those of the files, nothing left behind."""
    aftermaths = [checked(KINDS[kind], seed) for seed in range(RUNS)]
    alone = [it for it in aftermaths if not it.day.has_twins]
    faults = sum((it.store_faults for it in aftermaths), Counter())
    print(
        f"\n{kind}: {RUNS} days, {sum(it.store_calls for it in aftermaths)} store calls, {faults.total()} of them "
        f"failed ({faults['late']} after the write), {sum(it.runs.kills for it in aftermaths)} kills; "
        f"paid again {spread([it.paid_again for it in alone])}, "
        f"with doubled activities {spread([it.paid_again for it in aftermaths if it.day.has_twins])}"
    )

    assert [it.day.seed for it in alone if it.paid_again > it.bound] == []


def test_activities_delivered_twice_send_nothing_twice() -> None:
    """At once or while the first one works: in fair weather no request is paid twice."""
    aftermaths = [checked(days.twins, seed) for seed in range(RUNS // 2)]
    again = [it.paid_again for it in aftermaths]
    print(f"\ntwins: {len(again)} days, {sum(it.day.lines for it in aftermaths)} lines; paid again {spread(again)}")

    assert max(again) == 0


@pytest.mark.parametrize(("lanes", "workers", "prefixes"), [(1, 1, 0), (4, 2, 0), (4, 2, 100)])
def test_the_limits_of_all_targets_are_used(lanes: int, workers: int, prefixes: int) -> None:
    """Of eight that let in 100 requests a minute each, over four lanes and two processes: 790 and more.

    Also where prompts begin alike, so that each line has a target to which it belongs.
    """
    day = Day(
        seed=1,
        lines=8000,
        chunk_lines=50,
        lanes=lanes,
        workers=workers,
        concurrency=128,
        targets=((),) * 8,
        per_minute=100,
        prefixes=prefixes,
    )
    aftermath = simulate(day)
    aftermath.check()
    batch = aftermath.batch
    assert batch.in_progress_at is not None
    assert batch.finalizing_at is not None
    per_minute = 60 * day.lines / (batch.finalizing_at - batch.in_progress_at).total_seconds()
    print(f"\n{lanes} lanes, {prefixes} prefixes: {per_minute:.0f} a minute, {aftermath.upstream.refused} refused")

    assert per_minute >= 790
    assert aftermath.upstream.refused < 0.01 * day.lines


def test_the_others_take_over_from_two_that_die() -> None:
    """From 10 s after the deaths on they do at least 0.95 of what they do without them, though one of them refuses."""
    gone, well, flaky = ((20.0, 1e9, "unreachable"),), (), ((0.0, 1e9, ONE_IN_FIVE),)
    rest = {"seed": 1, "chunk_lines": 100, "lanes": 1, "latency_seconds": 0.2}
    alone = simulate(Day(**rest, lines=8_000, concurrency=32, targets=(well, flaky)))
    after = simulate(Day(**rest, lines=12_000, concurrency=64, targets=(gone, gone, well, flaky)))
    per_second = [sum(30 <= at < 60 for at in it.upstream.answered) / 30 for it in (alone, after)]
    print(f"\nalone {per_second[0]:.0f}/s, after two deaths {per_second[1]:.0f}/s, {after.upstream.asked_of}")

    after.check()
    assert per_second[1] >= 0.95 * per_second[0] > 0


@pytest.mark.parametrize(("per_minute", "lines", "least"), [(100, 1600, 98.0), (60, 480, 57.0), (20, 160, 19.0)])
@pytest.mark.parametrize("targets", [(), ((),)], ids=["an address", "a list of one"])
def test_a_low_limit_of_one_upstream_is_used(
    per_minute: int, lines: int, least: float, targets: tuple[tuple[Outage, ...], ...]
) -> None:
    """By four lanes, which send one after another; hardly any request is refused."""
    shape = {"chunk_lines": 50, "lanes": 4, "concurrency": 64}
    aftermath = simulate(Day(seed=1, lines=lines, per_minute=per_minute, targets=targets, **shape))
    aftermath.check()
    batch = aftermath.batch
    assert batch.in_progress_at is not None
    assert batch.finalizing_at is not None
    used = 60 * lines / (batch.finalizing_at - batch.in_progress_at).total_seconds()

    assert used >= least
    assert aftermath.upstream.refused <= 0.01 * lines + 1


def checked(kind: Callable[[int], Day], seed: int) -> Aftermath:
    aftermath = simulate(kind(seed))
    aftermath.check()
    return aftermath


def test_an_answer_begun_before_an_outage_is_no_witness() -> None:
    """It came in the middle of the outage and let line 12 spend its last attempt there."""
    checked(days.outage, 581)


def test_all_open_chunks_do_not_spend_their_last_attempts_in_an_outage() -> None:
    """No further line could begin, so line 34 gave its last attempt away, though others of the slice still tried."""
    checked(days.outage, 724)


def test_a_lane_that_began_late_is_not_taken_for_gone() -> None:
    """Lane 0 began after 40 s, and its new chunk was taken from it a moment later: one line was paid twice."""
    assert checked(days.without_ledger, 969).paid_again == 0


@pytest.mark.parametrize("seed", [22, 36])
def test_a_copy_is_made_where_each_attempt_meets_a_failing_call(seed: int) -> None:
    """Of some hundred calls one failed in every attempt to write it: the batch was validated again and again, for ever."""
    assert checked(days.several_targets, seed).batch.grouped


def test_bad_days_are_bad() -> None:
    """The days reach what they are for: every end of a batch, faults before and after a write, kills, twins."""
    storms = [simulate(days.storm(seed)) for seed in range(20)]
    ended = Counter(simulate(days.ended_early(seed)).batch.status for seed in range(40))
    faults = sum((it.store_faults for it in storms), Counter())

    budgets = Counter(it.batch.status for it in map(simulate, map(days.budget, range(30))) if it.batch.errors)

    shared = [it for it in map(simulate, map(days.shared_budget, range(30))) if it.batch.errors and it.spent_elsewhere]

    assert Counter(it.batch.status for it in shared)[Status.CANCELLED] > 2
    assert min(budgets[Status.FAILED], budgets[Status.CANCELLED]) > 2
    assert set(ended) == {Status.COMPLETED, Status.CANCELLED, Status.EXPIRED}
    assert min(faults["early"], faults["late"]) > 20
    assert sum(it.runs.kills for it in storms) > 10
    assert any(it.runs.failures["run begins again"] for it in storms)
    assert all(simulate(days.without_ledger(seed)).owed for seed in range(5))
    assert sum(simulate(days.scattered(seed)).batch.grouped for seed in range(10)) > 7


def test_a_seed_tells_the_same_day_again() -> None:
    """Two runs of one day ask the same of stores and upstream: a failure can be repeated."""
    first, second = simulate(days.storm(6)), simulate(days.storm(6))

    assert (first.store_calls, first.upstream.asked) == (second.store_calls, second.upstream.asked)
    assert first.seconds == second.seconds
