"""Random days for `simulation`: whatever goes wrong in one of them, its seed tells it again."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from shared.domain.usage.spend_limit import Interval, SpendLimit
from shared.domain.vendors.vendor import Vendor
from tests.faults.faulting_stores import Moment
from tests.faults.simulation import Day
from tests.faults.upstream import BREAKS, SILENCE

NO_REQUESTS_FAULT = ("unreachable", "credential")
LOOKS_LIKE_A_REQUESTS_FAULT = ("down", "gateway", "refusing")
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


def alike(seed: int) -> Day:
    """A storm or a quiet day, and prompts that begin alike, so that lines are sent in another order than they stand in."""
    dice = Random(seed)
    shape = work(dice) | {"lines": dice.randint(20, 60), "chunk_lines": dice.randint(4, 20)}
    trouble = faults(dice) | {"upstream_faults": 0.3} if dice.random() < 0.7 else {}
    return Day(seed=seed, **shape, **trouble, prefixes=dice.randint(1, 9))


def scattered(seed: int) -> Day:
    """Prompts that begin alike stand all over the file: its lines are grouped, and results merged at an end of any kind."""
    dice = Random(seed)
    shape = work(dice) | {"lines": dice.randint(16, 40), "chunk_lines": dice.randint(4, 12)}
    shape |= {"prefixes": dice.randint(2, 9), "scattered": True, "odd_lines": dice.random() < 0.3}
    trouble = faults(dice) | {"upstream_faults": 0.3} if dice.random() < 0.7 else {}
    ends = {}
    if dice.random() < 0.4:
        ends = {dice.choice(("cancel_moments", "expiry_moments")): (Moment(number=dice.randint(1, 2 * CALLS)),)}
    killed = tuple(Moment(number=dice.randint(1, 3 * CALLS)) for _ in range(dice.choice((0, 2))))
    return Day(seed=seed, **shape, **trouble, **ends, kill_moments=killed)


def without_ledger(seed: int) -> Day:
    """A storm, or a quiet day, in which the ledger takes nothing until the batch has ended."""
    dice = Random(seed)
    trouble = faults(dice) if dice.random() < 0.5 else {}
    return Day(seed=seed, **work(dice), **trouble, ledger_down=True)


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


def budget(seed: int) -> Day:
    """A storm in which a spend limit of the project, of its model, or each of them is reached at some moment, or not.

    About 30 cents are reserved for a line; with its number grows what it costs.

    Midnight may come meanwhile; the batch may be cancelled as well.
    """
    dice = Random(seed)
    shape = work(dice)
    both = dice.sample(("limit", "model_limit"), dice.choice((1, 1, 2)))
    limits = {
        name: SpendLimit(
            currency="USD", interval=dice.choice(list(Interval)), threshold_amount=dice.randint(20, 70) * shape["lines"]
        )
        for name in both
    }
    trouble = {} if dice.random() < 0.3 else faults(dice) | {"upstream_faults": 0.3}
    cancels = {"cancel_moments": (Moment(number=dice.randint(1, CALLS)),)} if dice.random() < 0.1 else {}
    midnight = {"jumps": ((dice.uniform(0, 60), 13.5 * 3600 + 1800.0),)} if dice.random() < 0.3 else {}
    return Day(seed=seed, **shape, **trouble, **limits, **cancels, **midnight)


def shared_budget(seed: int) -> Day:
    """The same with a limit of all projects, which batches of others use up meanwhile; the project may have its own."""
    dice = Random(seed)
    day = budget(seed)
    least = day.lines * 10
    others = tuple((dice.uniform(0, 8), dice.randint(1, least)) for _ in range(dice.randint(0, 12)))
    of_all = SpendLimit(
        currency="USD", interval=dice.choice(list(Interval)), threshold_amount=dice.randint(20, 100) * day.lines
    )
    own = {} if dice.random() < 0.3 else {"limit": None, "model_limit": None}
    return replace(day, **own, organization_limit=of_all, others=others)


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


def cursed(seed: int) -> Day:
    """Some lines never get an answer, and answers take longer than a slice; in some days there is trouble as well."""
    dice = Random(seed)
    shape = work(dice) | {
        "latency_seconds": dice.choice((0.05, 1.0, 10.0, 25.0)),
        "slice_seconds": 24.0,
        "request_seconds": 60.0,
        "odd_lines": dice.random() < 0.5,
    }
    numbers = dice.sample(range(1, shape["lines"] + 1), dice.randint(1, min(4, shape["lines"])))
    kinds = ("down", "gateway", "refusing", SILENCE, BREAKS)
    trouble = faults(dice) if dice.random() < 0.3 else {}
    return Day(seed=seed, **shape, **trouble, cursed={number: dice.choice(kinds) for number in numbers})


def several_targets(seed: int) -> Day:
    """Two to four of them, each away now and then for seconds, minutes or for good; sometimes all at once."""
    dice = Random(seed)
    count = dice.randint(2, 4)
    shape = work(dice) | {"lines": dice.choice((5, 40, 200)), "concurrency": count * dice.randint(1, 4)}
    away = []
    for _ in range(count):
        begins = dice.choice((0.0, dice.uniform(0.0, 60.0)))
        ends = begins + dice.choice((2.0, 30.0, 181.0, 700.0))
        away.append(((begins, ends, dice.choice(NO_REQUESTS_FAULT)),) if dice.random() < 0.7 else ())
    trouble = faults(dice) if dice.random() < 0.3 else {}
    return Day(seed=seed, **shape, **trouble, targets=tuple(away), prefixes=dice.choice((0, 3, 20)))


def outage(seed: int) -> Day:
    """The upstream is away for seconds or minutes, once or twice, from the start or in the middle.

    Patience lasts half an hour. What a request might have caused is found to be the upstream's fault in batches of some
    size only; what none can cause, in all.
    """
    dice = Random(seed)
    lines = dice.choice((1, 2, 5, 8, 40, 200))
    shape = work(dice) | {"lines": lines, "latency_seconds": dice.choice((0.05, 1.0, 10.0))}
    kinds = (*NO_REQUESTS_FAULT, *LOOKS_LIKE_A_REQUESTS_FAULT) if lines == 200 else NO_REQUESTS_FAULT
    ends, outages = dice.choice((0.0, dice.uniform(0.0, 20.0))), []
    for _ in range(dice.choice((1, 1, 2))):
        begins = ends + dice.choice((0.0, dice.uniform(0.0, 60.0)))
        ends = begins + dice.choice((2.0, 30.0, 181.0, 700.0))
        outages.append((begins, ends, dice.choice(kinds)))
    return Day(seed=seed, **shape, outages=tuple(outages))
