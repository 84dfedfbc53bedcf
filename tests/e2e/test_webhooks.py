"""Webhooks from the end of a batch to a real receiver, which trusts nothing but `client.webhooks.unwrap` (contract 8)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import openai
import pytest

from bench.programs import Mock, Service, chat_line, jsonl
from shared.domain.webhooks.signature import new_secret
from tests.starved import stretched
from tests.webhook_receiver import Receiver, receiving

ALL = ["batch.completed", "batch.failed", "batch.expired", "batch.cancelled"]
WEBHOOK_SETTINGS = {
    "BATCH_WEBHOOK_ALLOW_HTTP": "true",
    "BATCH_WEBHOOK_ALLOW_PRIVATE": "true",
    "BATCH_WEBHOOK_RETRY_SECONDS": "1",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def client(service: Service) -> Iterator[openai.OpenAI]:
    """A client of the service; at the end no endpoint is left."""
    with service.openai as client:
        yield client
        for endpoint in client.webhooks.list():
            client.webhooks.delete(endpoint.id)


def test_every_end_is_told_once(service: Service, client: openai.OpenAI, receiver: Receiver) -> None:
    """Completed, failed, expired and cancelled: one event each, signed, with the batch's id and time."""
    secret = client.webhooks.create(name="all", url=receiver.url, event_types=ALL).signing_secret
    slow = service.upload(jsonl(*(chat_line(n, f"[[latency=400]] w{n}") for n in range(500))))
    expiring, cancelled = service.create(slow, completion_window="2s"), service.create(slow)
    completed, failed = service.create(service.upload(jsonl(chat_line(1)))), service.create("file-unknown")
    client.batches.cancel(cancelled)
    batches = {batch_id: service.wait(batch_id) for batch_id in (expiring, cancelled, completed, failed)}
    receiver.wait(4)
    time.sleep(1)

    events = {event.data.id: event for event in receiver.events(secret)}
    assert len(receiver.got) == len(events) == 4
    for batch_id, batch in batches.items():
        assert events[batch_id].type == f"batch.{batch.status}"
        assert events[batch_id].created_at == getattr(batch, f"{batch.status}_at")
    assert {event.type for event in events.values()} == set(ALL)


def test_the_first_attempt_comes_at_once(service: Service, client: openai.OpenAI, receiver: Receiver) -> None:
    """Within 2 s of the end, be it a success or a refusal: no timer is waited for."""
    client.webhooks.create(name="now", url=receiver.url, event_types=ALL)
    good, waited = service.upload(jsonl(chat_line(1))), []
    for number, file in enumerate([good, "file-unknown"] * 3, 1):
        service.wait(service.create(file), pause=0.02)
        ended = time.monotonic()
        receiver.wait(number)
        waited.append(round(receiver.times[-1] - ended, 2))
    print(f"\nseconds from the end of a batch to its webhook: {waited}")

    assert median(waited) < stretched(2)


def test_only_what_was_asked_for_is_told(service: Service, client: openai.OpenAI, receiver: Receiver) -> None:
    """An endpoint for failures hears nothing of a success."""
    secret = client.webhooks.create(name="f", url=receiver.url, event_types=["batch.failed"]).signing_secret
    service.run(jsonl(chat_line(1)))
    failed = service.wait(service.create("file-unknown"))
    receiver.wait(1)

    assert [event.data.id for event in receiver.events(secret)] == [failed.id]


def test_failures_are_repeated(service: Service, client: openai.OpenAI, receiver: Receiver) -> None:
    """500 and a redirect are failures, repeated after 1 and 2 s; each has the same id and body, its own signature.

    Never earlier: a durable timer of 1.1 s may fire at once on Azure Storage.
    """
    receiver.statuses = [500, 302]
    secret = client.webhooks.create(name="r", url=receiver.url, event_types=ALL).signing_secret
    service.run(jsonl(chat_line(1)))
    receiver.wait(3)
    time.sleep(2)

    headers = [headers for headers, _ in receiver.got]
    assert len(receiver.got) == 3
    assert len({one["webhook-id"] for one in headers}) == len({body for _, body in receiver.got}) == 1
    assert len({one["webhook-timestamp"] for one in headers}) == 3
    first, second, third = receiver.times
    assert (second - first >= 1, third - second >= 2) == (True, True)
    assert len(receiver.events(secret)) == 3


def test_both_secrets_verify_during_a_rotation(service: Service, client: openai.OpenAI, receiver: Receiver) -> None:
    """With the old one kept active; without, it is void."""
    made = client.webhooks.create(name="s", url=receiver.url, event_types=ALL)
    kept = client.webhooks.rotate_secret(made.id, keep_old_secret_active_for_24_hours=True)
    client.webhooks.test(made.id, event_type="batch.completed")
    assert len(receiver.events(made.signing_secret)) == len(receiver.events(kept.signing_secret)) == 1

    receiver.got.clear()
    alone = client.webhooks.rotate_secret(made.id)
    client.webhooks.test(made.id, event_type="batch.completed")
    assert len(receiver.events(alone.signing_secret)) == 1
    with pytest.raises(openai.InvalidWebhookSignatureError):
        receiver.events(kept.signing_secret)


def test_endpoints_through_the_sdk(client: openai.OpenAI, receiver: Receiver) -> None:
    """Every call of `client.webhooks`."""
    made = [client.webhooks.create(name=f"n{n}", url=receiver.url, event_types=["batch.failed"]) for n in range(3)]
    changed = client.webhooks.update(made[0].id, name="changed", event_types=ALL)
    listed = [endpoint.id for endpoint in client.webhooks.list(limit=2)]
    tested = client.webhooks.test(made[1].id, event_type="batch.expired")

    assert sorted(listed, reverse=True) == listed == [endpoint.id for endpoint in reversed(made)]
    assert (changed.name, changed.event_types) == ("changed", ALL)
    assert client.webhooks.retrieve(made[0].id) == changed
    assert (tested.status_code, tested.webhook_endpoint_id) == (204, made[1].id)
    assert [*sorted(ALL), "spend_alert.reached"] == client.webhooks.event_types.list().data
    assert client.webhooks.delete(made[2].id).deleted
    with pytest.raises(openai.NotFoundError):
        client.webhooks.retrieve(made[2].id)


@pytest.mark.parametrize("moment", ["at the end", "between attempts"])
def test_killed(tmp_path: Path, mock: Mock, receiver: Receiver, moment: str) -> None:
    """After kill -9 of the host, as soon as the batch has ended or between two attempts, the event still arrives."""
    service = Service(tmp_path, mock.url, **WEBHOOK_SETTINGS)
    receiver.statuses = [500] * (moment == "between attempts")
    service.start()
    try:
        with service.openai as client:
            secret = client.webhooks.create(name="k", url=receiver.url, event_types=ALL).signing_secret
        batch = service.run(jsonl(chat_line(1)))
        if moment == "between attempts":
            receiver.wait(1)
        service.kill()
        service.start()
        receiver.wait(2 if moment == "between attempts" else 1)
    finally:
        service.stop()

    assert {event.data.id for event in receiver.events(secret)} == {batch.id}
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert receiver.statuses == []


def test_private_addresses_need_the_setting(tmp_path: Path, mock: Mock, receiver: Receiver) -> None:
    """Out of the box neither http nor this machine can be reached, and the message names the setting."""
    service = Service(tmp_path, mock.url)
    service.start()
    try:
        with service.openai as client:
            for url in (receiver.url, receiver.url.replace("http:", "https:")):
                with pytest.raises(openai.BadRequestError, match="BATCH_WEBHOOK_ALLOW"):
                    client.webhooks.create(name="x", url=url, event_types=ALL)
    finally:
        service.stop()


def test_a_callback_of_one_batch(service: Service, client: openai.OpenAI, receiver: Receiver) -> None:
    """Told beside an endpoint, each under its own secret; a batch without one tells it nothing."""
    endpoint = client.webhooks.create(name="c", url=receiver.url, event_types=ALL)
    secret = new_secret(b"c" * 32)
    callback = {"callback_url": receiver.url, "callback_secret": secret}
    told = service.create(service.upload(jsonl(chat_line(1))), extra_body=callback)
    service.wait(told)
    receiver.wait(2)
    other = service.run(jsonl(chat_line(2)))
    receiver.wait(3)
    signed_with = [secret, endpoint.signing_secret]
    events = [
        client.webhooks.unwrap(body, headers, secret=key)
        for key in signed_with
        for headers, body in receiver.got
        if signs(client, key, headers, body)
    ]
    assert [event.data.id for event in events] == [told, told, other.id]


def signs(client: openai.OpenAI, secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        client.webhooks.verify_signature(body, headers, secret=secret)
    except openai.InvalidWebhookSignatureError:
        return False
    return True
