"""Which create call is an earlier one come again (contract 6.5)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.batches.creation import KEY_LIFE, RETRY_LIFE, Creation, RepeatableCall, repeatable_call
from shared.domain.errors import InvalidRequest
from tests.contracts.samples import START, an_id

SOON = START + timedelta(seconds=2)


def call(
    *,
    key: str | None = None,
    client_request: str | None = None,
    retries: str | None = "0",
    owner: str = "a",
    body: bytes = b"{}",
) -> RepeatableCall:
    found = repeatable_call(
        owner=owner,
        route="POST /v1/batches?",
        body=body,
        key=key,
        client_request=client_request,
        retry_count=retries,
    )
    assert found
    return found


def made_by(first: RepeatableCall) -> Creation:
    return Creation(name=first.name, request=first.request, retries=first.retries, object_id=an_id(1), at=START)


def test_a_retry_repeats_the_first_attempt() -> None:
    """Same owner, same request, a count above zero, within minutes."""
    first, second = call(), call(retries="1")

    assert second.name == first.name
    assert second.repeats(made_by(first), SOON, overtaken=False)


def test_two_deliberate_calls_are_two() -> None:
    """A count of zero is never a repetition."""
    assert not call().repeats(made_by(call()), SOON, overtaken=False)


def test_a_first_attempt_overtaken_by_its_retry_is_the_same_call() -> None:
    """It was slow, and the SDK gave it up."""
    assert call().repeats(made_by(call(retries="1")), SOON, overtaken=True)
    assert not call().repeats(made_by(call()), SOON, overtaken=True)


@pytest.mark.parametrize(("age", "same"), [(RETRY_LIFE - timedelta(seconds=1), True), (RETRY_LIFE, False)])
def test_a_retry_comes_soon(age: timedelta, same: bool) -> None:
    """After five minutes it is a new call."""
    assert call(retries="1").repeats(made_by(call()), START + age, overtaken=False) is same


@pytest.mark.parametrize("other", [call(owner="b"), call(body=b"{} "), call(key="k"), call(client_request="k")])
def test_other_calls_have_other_names(other: RepeatableCall) -> None:
    """Owner, body and sign are part of it."""
    assert other.name != call().name


@pytest.mark.parametrize(("age", "same"), [(KEY_LIFE - timedelta(seconds=1), True), (KEY_LIFE, False)])
def test_a_key_holds_for_a_day(age: timedelta, same: bool) -> None:
    """Whatever the SDK counts."""
    assert call(key="k").repeats(made_by(call(key="k")), START + age, overtaken=False) is same


@pytest.mark.parametrize(("age", "same"), [(RETRY_LIFE - timedelta(seconds=1), True), (RETRY_LIFE, False)])
@pytest.mark.parametrize("retries", [None, "0", "1"])
def test_a_clients_request_id_holds_for_minutes(age: timedelta, same: bool, retries: str | None) -> None:
    """Azure's clients send one id with all attempts of a call, and no count (contract 9.6)."""
    first, again = call(client_request="c", retries=None), call(client_request="c", retries=retries)

    assert again.repeats(made_by(first), START + age, overtaken=False) is same


@pytest.mark.parametrize(
    "other",
    [
        call(client_request="d"),
        call(client_request="c", owner="b"),
        call(client_request="c", body=b"[]"),
        call(client_request="c", key="c"),
    ],
)
def test_another_id_owner_or_body_is_another_call(other: RepeatableCall) -> None:
    """Ids are new for each call; a caller who sends the same one with another body is not refused."""
    assert other.name != call(client_request="c").name


def test_a_key_is_for_one_request() -> None:
    """Another body under it is a mistake, and said to be one."""
    with pytest.raises(InvalidRequest, match="Send a new key") as caught:
        call(key="k", body=b"[]").repeats(made_by(call(key="k")), SOON, overtaken=False)

    assert caught.value.code == "idempotency_key_reused"


@pytest.mark.parametrize("count", [None, "", "-1", "one", "²", "1000"])
def test_without_a_sign_no_call_is_recognised(count: str | None) -> None:
    """curl, old SDKs, nonsense."""
    found = repeatable_call(owner="a", route="r", body=b"", key=None, client_request=None, retry_count=count)

    assert found is None


def test_a_key_has_a_bounded_length() -> None:
    """255 characters."""
    with pytest.raises(InvalidRequest, match="maximum length 255"):
        call(key="k" * 256)
