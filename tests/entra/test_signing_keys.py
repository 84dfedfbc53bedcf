"""When a tenant's keys are fetched, which of them are taken, and what holds while they cannot be had."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from shared.domain.errors import Unavailable
from shared.entra.key_document import NoKeys, fetch_keys
from shared.entra.signing_keys import SigningKeys
from tests.entra_issuer import Issuer, public_jwk


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> SigningKeys:
    return SigningKeys(issuer.rules(), now=clock)


def fetches(issuer: Issuer) -> int:
    return sum("openid-configuration" in path for path in issuer.asked)


async def test_keys_are_fetched_once(issuer: Issuer, keys: SigningKeys) -> None:
    """By the first who needs them; fifty at once share one fetch."""
    found = await asyncio.gather(*(keys.find("first") for _ in range(50)))

    assert all(found)
    assert fetches(issuer) == 1


async def test_an_unknown_key_is_looked_for_once_a_minute(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    """However many are made up: nobody has this service call the issuer as often as they like."""
    await keys.find("first")
    clock.now += 60
    for number in range(100):
        assert await keys.find(f"made up {number}") is None
    assert fetches(issuer) == 2

    clock.now += 59
    assert await keys.find("made up") is None
    assert fetches(issuer) == 2
    clock.now += 1
    await keys.find("made up")
    assert fetches(issuer) == 3


async def test_a_key_that_is_new_is_found(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    """The issuer rotates: its next key is found by the first token that has it, and the old one is gone."""
    old = await keys.find("first")
    issuer.names = ["second"]
    clock.now += 60

    assert await keys.find("second") not in (None, old)
    assert await keys.find("first") is None
    assert fetches(issuer) == 2


async def test_old_keys_are_renewed_beside_the_call(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    """Who has a known key does not wait for it; a key that was withdrawn is out soon after."""
    assert await keys.find("first")
    issuer.names = ["second"]
    issuer.free.clear()
    clock.now += 21_600

    assert await keys.find("first")
    issuer.free.set()
    async with asyncio.timeout(60):
        while await keys.find("first"):
            await asyncio.sleep(0.05)
    assert await keys.find("second")
    assert fetches(issuer) == 2


async def test_known_keys_serve_while_the_issuer_is_down(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    """For as long as it is; whether an unknown key is good cannot be told meanwhile."""
    known = await keys.find("first")
    issuer.status = 503
    for _ in range(3):
        clock.now += 86_400
        assert await keys.find("first") is known
        with pytest.raises(Unavailable):
            await keys.find("second")


async def test_without_any_key_it_cannot_be_told(
    issuer: Issuer, keys: SigningKeys, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """503, not 401: the token may be good. Seconds later it is tried again, and a log says why."""
    issuer.status = 500
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            with pytest.raises(Unavailable):
                await keys.find("first")
    assert fetches(issuer) == 1
    assert [(record.action, record.reason) for record in caplog.records] == [
        ("entra_keys_failed", "the issuer answered 500")
    ]

    issuer.status = 200
    clock.now += 5
    assert await keys.find("first")


async def test_one_who_gives_up_takes_the_keys_from_nobody(issuer: Issuer, keys: SigningKeys) -> None:
    """The fetch goes on for those who wait."""
    issuer.free.clear()
    impatient, patient = asyncio.create_task(keys.find("first")), asyncio.create_task(keys.find("first"))
    while not issuer.asked:
        await asyncio.sleep(0.01)
    impatient.cancel()
    issuer.free.set()

    assert await patient
    assert impatient.cancelled() or impatient.done()


@pytest.mark.parametrize(
    ("configuration", "document", "said"),
    [
        ({"issuer": "https://login.microsoftonline.com/other/v2.0"}, None, "the configuration is of https://login"),
        ({"jwks_uri": "https://keys.example/all"}, None, "elsewhere than at the authority"),
        ({"jwks_uri": "http://127.0.0.1:1/keys"}, None, "elsewhere than at the authority"),
        ({"jwks_uri": "file:///etc/passwd"}, None, "elsewhere than at the authority"),
        ({"jwks_uri": 7}, None, "ValidationError"),
        ({}, {"keys": []}, "no RSA key"),
        ({}, {}, "ValidationError"),
        ({}, b"<html>", "DecodeError"),
        ({}, b'{"keys": [' + b"[" * 100_000, "RecursionError|ValidationError"),
        ({}, b" " * 1_100_000, "larger than 1048576 bytes"),
    ],
)
async def test_a_document_that_cannot_be_trusted_is_none(
    issuer: Issuer, configuration: dict[str, Any], document: Any, said: str
) -> None:
    """Of another tenant, from another place, not to be read, too large."""
    issuer.configuration, issuer.document = configuration, document

    with pytest.raises(NoKeys, match=said):
        await fetch_keys(issuer.rules())


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_only_200_is_an_answer(issuer: Issuer, status: int) -> None:
    """A redirect is not followed."""
    issuer.status = status

    with pytest.raises(NoKeys, match=str(status)):
        await fetch_keys(issuer.rules())
    assert len(issuer.asked) == 1


async def test_an_issuer_that_does_not_listen_is_told_as_such(issuer: Issuer) -> None:
    """No exception of the network comes through."""
    with pytest.raises(NoKeys, match="ConnectError"):
        await fetch_keys(issuer.rules(authority="http://127.0.0.1:1"))


async def test_only_rsa_keys_for_signatures_are_taken(issuer: Issuer) -> None:
    """What is symmetric, for encryption, nameless or broken spoils nothing."""
    issuer.document = {
        "keys": [
            {"kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256"},
            public_jwk("first", kid="encryption", use="enc"),
            public_jwk("first", kid=None),
            public_jwk("first", kid="broken", n="%%%"),
            public_jwk("first", kid="empty", n=None),
            {"kty": "EC", "kid": "curve", "crv": "P-256", "x": "AA", "y": "AA"},
            public_jwk("first", kid="good"),
        ]
    }

    assert list(await fetch_keys(issuer.rules())) == ["good"]


async def test_keys_for_another_issuer_are_left_out(issuer: Issuer) -> None:
    """Entra ID publishes those of personal accounts in the same document; `{tenantid}` stands for every tenant."""
    issuer.document = {
        "keys": [
            public_jwk("first", kid="every", issuer=f"{issuer.url}/{{tenantid}}/v2.0"),
            public_jwk("first", kid="own", issuer=issuer.issuer),
            public_jwk("first", kid="none"),
            public_jwk("first", kid="personal", issuer=f"{issuer.url}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"),
            public_jwk("first", kid="odd", issuer=7),
        ]
    }

    assert list(await fetch_keys(issuer.rules())) == ["every", "own", "none"]
