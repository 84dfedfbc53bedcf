"""Whether an upstream refuses less when it is asked more slowly."""

from __future__ import annotations

import pytest

from shared.domain.pace.slowing_trial import SlowingTrial, Verdict


def told(trial: SlowingTrial, begin: float, answers: int, every: int) -> Verdict | None:
    """Ten answers a second, each `every`th a refusal; the first verdict there is."""
    for number in range(answers):
        now = begin + number / 10
        trial.count(now, refused=number % every == 0)
        if verdict := trial.verdict(now):
            return verdict
    return None


def begun(every: int) -> SlowingTrial:
    """Before, each `every`th answer was a refusal."""
    trial = SlowingTrial()
    told(trial, 0.0, 100, every)
    trial.begin(10.0)
    return trial


@pytest.mark.parametrize(
    ("before", "since", "verdict"),
    [
        (5, 5, Verdict.CHANCE),
        (20, 20, Verdict.CHANCE),
        (5, 40, Verdict.LIMIT),
        (5, 10_000, Verdict.LIMIT),
        (10, 2, Verdict.NEITHER),
        (1, 1, Verdict.NEITHER),
    ],
)
def test_it_is_chance_where_as_much_is_refused(before: int, since: int, verdict: Verdict) -> None:
    """A fifth as before; hardly any; more than before, or everything as before."""
    assert told(begun(before), 10.0, 300, since) is verdict


def test_nothing_is_told_too_early() -> None:
    """Some refusals by chance have to be expected."""
    trial = begun(5)

    assert told(trial, 10.0, 39, 5) is None
    assert trial.is_on


def test_few_refusals_are_no_reason_to_begin() -> None:
    trial = SlowingTrial()
    told(trial, 0.0, 40, 10)
    assert not trial.is_ready

    told(trial, 4.0, 10, 10)
    assert trial.is_ready


def test_what_was_long_ago_tells_nothing() -> None:
    """A refusal in the beginning, then thousands of answers: a share of them would be next to nothing."""
    trial = SlowingTrial()
    told(trial, 0.0, 50, 10)
    told(trial, 5.0, 700, 10_000)

    assert not trial.is_ready
