"""Random days for `simulation`: whatever goes wrong in one of them, its seed tells it again."""

from __future__ import annotations

from random import Random
from typing import Any

from shared.domain.batch import Vendor
from tests.faults.faulting_stores import Moment
from tests.faults.simulation import Day

CALLS = 150  # of a small batch to its stores, about


def work(dice: Random) -> dict[str, Any]:
    """A small batch of any shape."""
    return {
        "lines": dice.randint(1, 40),
        "chunk_lines": dice.randint(1, 10),
        "lanes": dice.randint(1, 4),
        "concurrency": dice.randint(1, 8),
        "journal_results": dice.randint(1, 6),
        "kept_result_bytes": dice.choice((16_777_216, 500)),
        "vendor": dice.choice((Vendor.OPENAI, Vendor.AZURE)),
        "workers": dice.randint(1, 3),
        "latency_seconds": dice.choice((0.05, 1.0, 10.0)),
    }


def storm(seed: int) -> Day:
    """Storage and upstream at their worst, with kills, cut and doubled activities; nobody cancels."""
    dice = Random(seed)
    return Day(seed=seed, **work(dice), **faults(dice), upstream_faults=0.3, impatient=dice.random() < 0.3)


def faults(dice: Random) -> dict[str, Any]:
    """Trouble of every kind, each in some days only."""
    began = [dice.uniform(0, 100) for _ in range(dice.choice((0, 0, 1, 3)))]
    return {
        "weather": {
            "before": dice.choice((0.0, 0.02, 0.1)),
            "after": dice.choice((0.0, 0.02, 0.1)),
            "slow_share": dice.choice((0.0, 0.0, 0.05)),
            "outages": tuple((begin, begin + dice.uniform(1, 60)) for begin in began),
        },
        "twice": dice.choice((0.0, 0.0, 0.3)),
        "cut": dice.choice((0.0, 0.0, 0.1)),
        "kills_at": tuple(dice.expovariate(1 / 20) for _ in range(dice.choice((0, 1, 5)))),
    }


def ended_early(seed: int) -> Day:
    """A storm in which the batch is cancelled, or its deadline comes, or both, at some moment of its sequence of calls."""
    dice = Random(seed)
    moment = Moment(number=dice.randint(1, CALLS), late=dice.random() < 0.5)
    both = dice.sample(("cancel_moments", "expiry_moments"), dice.choice((1, 1, 2)))
    ends = {end: (Moment(number=moment.number + 10 * order),) for order, end in enumerate(both)}
    quiet = dice.random() < 0.3
    trouble = {} if quiet else faults(dice) | {"upstream_faults": 0.3}
    killed = tuple(Moment(number=moment.number + dice.randint(0, 40)) for _ in range(dice.choice((0, 1, 2))))
    return Day(seed=seed, **work(dice), **trouble, **ends, kill_moments=killed)


def wrong_clock(seed: int) -> Day:
    """The clock is set forward and back by up to an hour while the batch runs."""
    dice = Random(seed)
    jumps = tuple((dice.uniform(0, 60), dice.uniform(-3600, 3600)) for _ in range(4))
    return Day(seed=seed, **work(dice), upstream_faults=0.3, jumps=jumps, weather={"before": 0.02, "after": 0.02})


def twins(seed: int) -> Day:
    """Fair weather, but half of the activities are delivered a second time, at once or while the first one works."""
    dice = Random(seed)
    return Day(
        seed=seed,
        lines=dice.randint(100, 300),
        chunk_lines=dice.randint(10, 50),
        lanes=dice.randint(1, 3),
        concurrency=dice.choice((8, 16, 32)),
        journal_results=16,
        workers=3,
        latency_seconds=dice.choice((0.2, 1.0, 5.0)),
        twice=0.5,
        twin_after=dice.choice((0.0, 5.0, 20.0)),
    )
