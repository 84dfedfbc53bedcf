"""Signatures by Standard Webhooks (contract 8.3)."""

from __future__ import annotations

from datetime import UTC, datetime

import openai
import pytest

from shared.domain.webhooks.signature import KEY_BYTES, new_secret, secret_hint, signed_headers

AT = datetime.fromtimestamp(1614265330, UTC)
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'


def test_the_published_vector() -> None:
    """The example that the Standard Webhooks libraries share."""
    assert signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", AT, BODY, [SECRET]) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_several_secrets_are_several_signatures() -> None:
    """One space between them, in the order of the secrets."""
    other = new_secret(bytes(KEY_BYTES))
    both = signed_headers("m", AT, BODY, [other, SECRET])["webhook-signature"].split(" ")

    assert both == [signed_headers("m", AT, BODY, [one])["webhook-signature"] for one in (other, SECRET)]


@pytest.mark.parametrize("number", [0, 1])
def test_the_sdk_accepts_each_of_several_secrets(number: int) -> None:
    """During a rotation a receiver may know the old secret or the new one."""
    secrets = [new_secret(bytes([n] * KEY_BYTES)) for n in (1, 2)]
    headers = signed_headers("wh_1", datetime.now(UTC), BODY, secrets)
    with openai.OpenAI(api_key="x") as client:
        client.webhooks.verify_signature(BODY, headers, secret=secrets[number])


@pytest.mark.parametrize("change", ["id", "timestamp", "body", "secret"])
def test_the_sdk_refuses_what_was_changed(change: str) -> None:
    """Each part of the message is signed."""
    headers = signed_headers("wh_1", datetime.now(UTC), BODY, [SECRET])
    if change == "id":
        headers["webhook-id"] = "wh_2"
    if change == "timestamp":
        headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) - 1)
    body = BODY + b" " if change == "body" else BODY
    secret = new_secret(bytes(KEY_BYTES)) if change == "secret" else SECRET
    with openai.OpenAI(api_key="x") as client, pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.verify_signature(body, headers, secret=secret)


def test_a_hint_shows_four_characters() -> None:
    """Enough to tell secrets apart; the padding, which is the same for all, does not count."""
    secret = new_secret(bytes(range(KEY_BYTES)))

    assert secret_hint(secret) == f"whsec_…{secret[-5:-1]}"
