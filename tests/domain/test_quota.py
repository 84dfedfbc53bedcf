"""Enqueued tokens, from the records of unfinished batches."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.quota import enqueued_before, token_limit_exceeded
from shared.domain.vendors.vendor import Vendor
from tests.contracts.samples import START, a_batch


def running(number: int, tokens: int, *, seconds: int | None = None, deployment: str = "small") -> Batch:
    """Batch `number`, which passed validation after `seconds` (default: in order of number)."""
    return a_batch(
        number,
        status=Status.IN_PROGRESS,
        deployment=deployment,
        input_tokens=tokens,
        in_progress_at=START + timedelta(seconds=number if seconds is None else seconds),
    )


def test_tokens_of_batches_that_came_before_are_enqueued() -> None:
    """Later ones are not."""
    assert enqueued_before(running(3, 5), [running(1, 10), running(2, 20), running(4, 40)], 100) == 30


def test_who_passed_validation_first_came_first() -> None:
    """A large file created earlier may be validated later."""
    assert enqueued_before(running(2, 5, seconds=1), [running(1, 10, seconds=2)], 100) == 0


def test_the_same_moment_is_decided_by_the_id() -> None:
    """Exactly one of two counts the other."""
    one, other = running(1, 10, seconds=7), running(2, 20, seconds=7)
    assert (enqueued_before(one, [one, other], 100), enqueued_before(other, [one, other], 100)) == (0, 10)


def test_other_deployments_and_batches_still_validating_do_not_count() -> None:
    """The quota is per deployment, and of a file not read nothing is known."""
    others = [running(1, 10, deployment="large"), a_batch(2)]
    assert enqueued_before(running(3, 5), others, 100) == 0


def test_a_batch_that_does_not_fit_holds_no_tokens() -> None:
    """It is about to be refused and keeps nobody else out."""
    assert enqueued_before(running(3, 5), [running(1, 60), running(2, 50)], 100) == 60


@given(st.lists(st.integers(1, 50), max_size=12), st.integers(1, 100))
def test_those_let_in_never_exceed_the_limit(sizes: list[int], limit: int) -> None:
    """Whatever the sizes, judged one after another or all at once, the same ones are let in, and they fit."""
    batches = [running(number, size) for number, size in enumerate(sizes)]
    at_once = [b for b in batches if enqueued_before(b, batches, limit) + b.input_tokens <= limit]
    one_by_one: list[Batch] = []
    for batch in batches:
        if enqueued_before(batch, one_by_one, limit) + batch.input_tokens <= limit:
            one_by_one.append(batch)
    assert at_once == one_by_one
    assert sum(batch.input_tokens for batch in at_once) <= limit


@pytest.mark.parametrize(
    ("vendor", "message"),
    [
        (
            Vendor.OPENAI,
            (
                "Enqueued token limit reached for small in organization project-a. Limit: 90,000 enqueued tokens. "
                "Please try again once some in_progress batches have been completed."
            ),
        ),
        (
            Vendor.AZURE,
            (
                "token_limit_exceeded: The number of enqueued tokens has surpassed the configured limit of 90,000 enqueued "
                "tokens for the deployment 'small': 89,990 are enqueued and this batch has 11. "
                "Please try again once some in_progress batches have been completed."
            ),
        ),
    ],
)
def test_the_refusal_names_model_and_limit(vendor: Vendor, message: str) -> None:
    """Literal of contract 3.3; Azure's text holds the code, which its samples look for (contract 6.6)."""
    batch = a_batch(vendor=vendor, deployment="small", input_tokens=11)
    error = token_limit_exceeded(batch, 90_000, 89_990)
    assert (error.code, error.message, error.param, error.line) == ("token_limit_exceeded", message, None, None)
