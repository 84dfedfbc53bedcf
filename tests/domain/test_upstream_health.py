"""Whose fault a failed attempt is."""

from __future__ import annotations

import pytest

from shared.domain.pace.upstream_health import REFUSALS, Blame, UpstreamHealth, next_pause


def health(*, probing: bool = False, patient: bool = True) -> UpstreamHealth:
    return UpstreamHealth(probing=probing, patient=patient)


def fail(one: UpstreamHealth, line: int = 1, *, throttled: bool = False, blameless: bool = False) -> Blame:
    one.sent()
    return one.failed(line, throttled=throttled, blameless=blameless)


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
            one.sent()
            one.answered(succeeded=True)

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
    later.answered(succeeded=True)

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

    assert [one.answered(succeeded=True), one.answered(succeeded=True)] == [True, False]
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
            one.answered(succeeded=True)


@pytest.mark.parametrize(("waited", "pause"), [(0, 5), (5, 5), (12, 12), (40, 20), (4000, 20)])
def test_pauses_grow_and_end(waited: float, pause: float) -> None:
    """As long as all before, and so short that a probe comes within every `most_seconds`."""
    assert next_pause(waited, 30) == pause


def test_a_line_that_alone_meets_what_no_request_can_cause() -> None:
    """When others are answered between its failures, it is its own fault after all: it is not asked for ever."""
    one, found = health(), []
    for _ in range(6):
        one.answered(succeeded=True)
        found.append(fail(one, 7, blameless=True))

    assert found == [Blame.UPSTREAM, *[Blame.LINE] * 5]


def test_what_may_be_forbidden_to_all() -> None:
    """Until one request has succeeded nobody knows whether it is what they ask for; later answers tell, other ones not."""
    one = health()
    one.answered(succeeded=False)
    before = one.may_forbid_all
    one.answered(succeeded=True)

    assert (before, one.may_forbid_all) == (True, False)
    assert not health(patient=False).may_forbid_all


def test_the_youngest_request_answered_is_kept_when_older_ones_are_answered_later() -> None:
    """An answer to what was sent before a failure does not show that the upstream is well again."""
    health = UpstreamHealth(probing=False, patient=True)
    for _ in range(3):
        health.sent()

    health.vouched(2)
    health.vouched(1)

    assert (health.requests, health.youngest_answered) == (3, 2)
