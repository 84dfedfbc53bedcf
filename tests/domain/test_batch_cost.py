"""What a batch is expected to cost, and what it has cost."""

from __future__ import annotations

import pytest

from shared.domain.batches.batch import TERMINAL, Status
from shared.domain.batches.cost import BatchCost, ExpectedCost, batch_cost, expected_cost
from shared.domain.batches.forecast import Measured
from shared.domain.deployments.price_setting import read_price
from shared.domain.usage.usage import Usage
from tests.contracts.samples import a_batch

PRICE, _ = read_price({"input": 2.0, "output": 10.0, "currency": "EUR"})
FOUND = Measured(requests_per_second=1.0, output_tokens_per_request=50.0)
UNIT = 10**12


def test_expected_is_the_counted_input_and_answers_as_long_as_before() -> None:
    """For each million tokens."""
    assert expected_cost(PRICE, 1000, 500_000, FOUND) == ExpectedCost(input=UNIT, output=UNIT // 2)
    assert expected_cost(PRICE, 1000, 500_000, None) == ExpectedCost(input=UNIT, output=None)
    assert expected_cost(PRICE, 1000, 500_000, None).total is None


def test_answers_that_cost_nothing_are_known_to() -> None:
    """Such as embeddings, also before the first batch."""
    price, _ = read_price({"input": 2})
    assert expected_cost(price, 10, 500_000, None) == ExpectedCost(input=UNIT, output=0)


def test_images_are_expected_as_many_as_before() -> None:
    """The price of an image is not for a million."""
    price, _ = read_price({"image": 0.5})
    found = Measured(requests_per_second=1.0, output_tokens_per_request=0.0, images_per_request=2.0)
    assert expected_cost(price, 10, 100, found) == ExpectedCost(input=0, output=10 * UNIT)
    assert expected_cost(price, 10, 100, None).output is None


def test_long_requests_are_expected_at_the_rates_of_their_step() -> None:
    """By the length of the average one."""
    price, _ = read_price({"input": 1, "output": 1, "steps": [{"above_input_tokens": 99, "input": 3, "output": 4}]})
    assert expected_cost(price, 10, 1000, FOUND) == ExpectedCost(input=3 * 1000 * 10**6, output=4 * 500 * 10**6)
    assert expected_cost(price, 10, 990, FOUND) == ExpectedCost(input=990 * 10**6, output=500 * 10**6)


def test_before_the_first_answer_it_is_what_was_expected() -> None:
    """Which may be unknown."""
    running = a_batch(1, status=Status.IN_PROGRESS, total=10, price=PRICE, expected_picos=7)
    assert batch_cost(running) == BatchCost(currency="EUR", estimated=7, actual=0)
    unknown = a_batch(1, status=Status.IN_PROGRESS, total=10, price=PRICE)
    assert batch_cost(unknown) == BatchCost(currency="EUR", estimated=None, actual=0)


USAGE = Usage(input_tokens=500_000, output_tokens=50_000)


def test_while_it_runs_all_is_as_what_has_finished() -> None:
    """A quarter has cost 1.50."""
    running = a_batch(
        1, status=Status.IN_PROGRESS, total=8, completed=1, failed=1, price=PRICE, usage=USAGE, expected_picos=7
    )
    assert batch_cost(running) == BatchCost(currency="EUR", estimated=6 * UNIT, actual=3 * UNIT // 2)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_once_it_has_ended_nothing_is_estimated(status: Status) -> None:
    """It is known."""
    ended = a_batch(1, status=status, total=8, completed=2, price=PRICE, usage=USAGE, expected_picos=7)
    assert batch_cost(ended) == BatchCost(currency="EUR", estimated=None, actual=3 * UNIT // 2)


def test_without_a_price_there_is_no_cost() -> None:
    """Not even zero."""
    assert batch_cost(a_batch(1, status=Status.COMPLETED, usage=USAGE)) is None
