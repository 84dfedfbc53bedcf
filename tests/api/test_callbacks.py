"""A callback of one batch: told like an endpoint, refused like one, and its secret is shown to nobody."""

from __future__ import annotations

import base64
import logging
from collections.abc import Awaitable, Callable

import httpx
import openai
import pytest

from activities.send_webhook import send_webhook
from shared.domain.batches.batch import Refused
from shared.domain.webhooks.delivery import Answered
from shared.domain.webhooks.event import EventType
from shared.domain.webhooks.signature import new_secret
from shared.run.batches.change import announced, change
from shared.run.batches.forget import forget_batch
from shared.services import Services
from tests.api.harness import KEY, Clock
from tests.fake_receivers import FakeReceivers

Create = Callable[..., Awaitable[httpx.Response]]
URL = "https://mine.example/hook?token=t0ken"
SECRET = new_secret(b"s" * 32)


async def ended(services: Services) -> list[str]:
    """Ends the only batch; the ids of its deliveries."""
    (batch,) = await services.stores.batches.list("default", limit=9)
    failed = await change(services, batch, Refused(errors=()))
    return [note.value.id for note in await announced(services, failed)]


async def test_a_callback_is_told_signed_and_again_until_it_answers(
    create: Create, services: Services, receivers: FakeReceivers, clock: Clock
) -> None:
    """Beside the endpoint of the project, under an id of its own; the SDK trusts the signature."""
    clock.now = clock.now.replace(year=2026, month=11, day=27)
    made = await create(callback_url=URL, callback_secret=SECRET)
    assert (made.status_code, made.json()["callback_url"]) == (200, URL)
    (delivery,) = await ended(services)
    receivers.answers.append(Answered(500))
    assert (await send_webhook({"delivery_id": delivery}))["done"] is False
    assert (await send_webhook({"delivery_id": delivery}))["done"] is True
    first, second = receivers.requests
    assert (first.url, second.headers["webhook-id"]) == (URL, first.headers["webhook-id"])
    with openai.OpenAI(api_key=KEY) as client:
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.unwrap(first.body, first.headers, secret=new_secret(b"x" * 32))
        client.webhooks.verify_signature(first.body, first.headers, secret=SECRET, tolerance=10**9)
    assert EventType.BATCH_FAILED.value.encode() in first.body


async def test_without_a_secret_nothing_is_signed(create: Create, services: Services, receivers: FakeReceivers) -> None:
    """No empty signature stands there for one."""
    await create(callback_url=URL)
    (delivery,) = await ended(services)
    await send_webhook({"delivery_id": delivery})
    (request,) = receivers.requests
    assert request.headers.keys() == {"webhook-id", "webhook-timestamp"}


async def test_a_callback_goes_with_its_batch(create: Create, services: Services, receivers: FakeReceivers) -> None:
    """What is still owed when the batch is deleted is void."""
    await create(callback_url=URL, callback_secret=SECRET)
    (delivery,) = await ended(services)
    (batch,) = await services.stores.batches.list("default", limit=9)
    await forget_batch(services, batch)
    assert (await send_webhook({"delivery_id": delivery}))["done"] is True
    assert receivers.requests == []


async def test_a_secret_is_shown_to_nobody(
    api: httpx.AsyncClient, create: Create, upload: Create, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """In no answer, no list, no repr and no log; a retry has it as well."""
    caplog.set_level(logging.DEBUG)
    file_id = (await upload()).json()["id"]
    made = await create(input_file_id=file_id, callback_url=URL, callback_secret=SECRET)
    await ended(services)
    shown = [made, await api.get("/v1/batches"), await api.post(f"/v1/batches/{made.json()['id']}/retry")]
    shown.append(await api.get("/openai/batches", params={"api-version": "2025-04-01-preview"}))
    batches = await services.stores.batches.list("default", limit=9)
    assert [batch.callback.secret if batch.callback else None for batch in batches] == [SECRET, SECRET]
    texts = [answer.text for answer in shown] + [repr(batches), caplog.text]
    assert [text for text in texts if SECRET in text or SECRET.removeprefix("whsec_") in text] == []
    assert "t0ken" not in repr(batches) + caplog.text + shown[-1].text


@pytest.mark.parametrize(
    ("url", "secret", "param"),
    [
        ("http://mine.example/", None, "callback_url"),
        ("https://127.0.0.1/", None, "callback_url"),
        ("https://[::ffff:169.254.169.254]/", None, "callback_url"),
        ("https://2130706433/", None, "callback_url"),
        ("https://user:pass@mine.example/", None, "callback_url"),
        ("https://mine.example/" + "x" * 2_048, None, "callback_url"),
        (7, None, "callback_url"),
        (None, SECRET, "callback_url"),
        (URL, "whsec_", "callback_secret"),
        (URL, "whsec_" + base64.b64encode(b"k" * 23).decode(), "callback_secret"),
        (URL, "whsec_" + base64.b64encode(b"k" * 65).decode(), "callback_secret"),
        (URL, base64.b64encode(b"k" * 32).decode(), "callback_secret"),
        (URL, "whsec_\x00=", "callback_secret"),
        (URL, "whsec_ä", "callback_secret"),
        (URL, 7, "callback_secret"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/batches", "/v1/batches/validate"])
async def test_walls_are_those_of_endpoints(
    create: Create, services: Services, path: str, url: object, secret: object, param: str
) -> None:
    """400 by the name of what is wrong, without a word of the secret; nothing is made."""
    answer = await create(path, callback_url=url, callback_secret=secret)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert not isinstance(secret, str) or len(secret) < 9 or secret not in answer.text
    assert await services.stores.batches.list("default", limit=9) == []
