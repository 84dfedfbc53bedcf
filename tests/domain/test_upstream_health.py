"""Whose fault a failed attempt is."""

from __future__ import annotations

import pytest

from shared.domain.pace.upstream_health import REFUSALS, Blame, UpstreamHealth, next_pause


def health(*, probing: bool = False, patient: bool = True) -> UpstreamHealth:
    return UpstreamHealth(probing=probing, patient=patient)


def fail(one: UpstreamHealth, line: int = 1, *, throttled: bool = False, blameless: bool = False) -> Blame:
    one.sent()
    return one.failed(line, throttled=throttled, blameless=blameless)


def answer(one: UpstreamHealth, *, succeeded: bool = True) -> bool:
    return one.answered(one.sent(), succeeded=succeeded)


def test_a_lines_own_fault() -> None:
    """A single failure is the line's."""
    assert fail(health()) is Blame.LINE


def test_three_faults_in_ten_are_the_lines() -> None:
    """A flaky upstream is never found sick."""
    one = health()
    found = []
    for number in range(1000):
        if number % 10 < 3:
            found.append(fail(one, number))
        else:
            answer(one)

    assert set(found) == {Blame.LINE}


def test_nothing_but_faults_make_it_sick() -> None:
    """Within some forty calls, and from then on no line pays."""
    one = health()
    found = [fail(one, number) for number in range(60)]

    assert found.index(Blame.SICK) <= 42
    assert set(found[found.index(Blame.SICK) + 1 :]) == {Blame.UPSTREAM}


def test_no_request_can_be_the_cause() -> None:
    """Before any answer it is sick at once; after one, as soon as such faults outweigh the answers."""
    first, later = health(), health()
    answer(later)

    assert fail(first, blameless=True) is Blame.SICK
    found = [fail(later, blameless=True) for _ in range(60)]
    assert set(found[: found.index(Blame.SICK)]) == {Blame.UPSTREAM}


@pytest.mark.parametrize("throttled", [False, True])
def test_a_failed_probe(throttled: bool) -> None:
    """An upstream that was sick and does not answer is left alone again, at no line's cost."""
    assert fail(health(probing=True), throttled=throttled) is Blame.SICK


def test_the_first_answer_ends_the_probing() -> None:
    """It tells so once; afterwards lines pay for their own faults."""
    one = health(probing=True)

    assert [answer(one), answer(one)] == [True, False]
    assert fail(one) is Blame.LINE


def test_patience_used_up() -> None:
    """Every fault is the line's then, so that every batch ends."""
    one = health(probing=True, patient=False)

    assert {fail(one, blameless=blameless) for blameless in (False, True) for _ in range(100)} == {Blame.LINE}


def test_refusing_one_line_is_no_sickness() -> None:
    """It has its own limit of refusals."""
    assert {fail(health(), throttled=True) for _ in range(100)} == {Blame.LINE}


def test_refusing_all_lines_is() -> None:
    """Some lines, again and again, and none answered in between."""
    one = health()
    found = [fail(one, number % 2, throttled=True) for number in range(2 * REFUSALS)]

    assert found[2 * REFUSALS - 2] is Blame.SICK


def test_an_answer_in_between_shows_that_it_is_well() -> None:
    """Then refusals are of the line, or of its pace."""
    one = health()
    for number in range(10 * REFUSALS):
        assert fail(one, number % 2, throttled=True) is Blame.LINE
        if number % 8 == 0:
            answer(one)


@pytest.mark.parametrize(("waited", "pause"), [(0, 5), (5, 5), (12, 12), (40, 20), (4000, 20)])
def test_pauses_grow_and_end(waited: float, pause: float) -> None:
    """As long as all before, and so short that a probe comes within every `most_seconds`."""
    assert next_pause(waited, 30) == pause


def test_a_line_that_alone_meets_what_no_request_can_cause() -> None:
    """When others are answered between its failures, it is its own fault after all: it is not asked for ever."""
    one, found = health(), []
    for _ in range(6):
        answer(one)
        found.append(fail(one, 7, blameless=True))

    assert found == [Blame.UPSTREAM, *[Blame.LINE] * 5]


def test_what_may_be_forbidden_to_all() -> None:
    """Until one request has succeeded nobody knows whether it is what they ask for; later answers tell, other ones not."""
    one = health()
    answer(one, succeeded=False)
    before = one.may_forbid_all
    answer(one)

    assert (before, one.may_forbid_all) == (True, False)
    assert not health(patient=False).may_forbid_all


def test_an_answer_begun_before_an_outage_does_not_make_it_a_lines_fault() -> None:
    """A line whose connections are refused does not pay because a slow answer comes in the middle of the outage."""
    one = health()
    answer(one)
    slow = one.sent()
    first = fail(one, 7, blameless=True)
    one.answered(slow, succeeded=True)

    assert [first, fail(one, 7, blameless=True)] == [Blame.UPSTREAM] * 2


def test_only_a_request_sent_since_shows_that_it_is_well_again() -> None:
    """Answers come in any order; one to an older request takes nothing back."""
    one = health()
    first, _, third = one.sent(), one.sent(), one.sent()
    seen = []
    for nth in (first, third, first):
        one.answered(nth, succeeded=True)
        seen.append((one.was_well_since(first), one.was_well_since(third)))

    assert seen == [(False, False), (True, False), (True, False)]
