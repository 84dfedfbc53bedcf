"""Two projects on one service, each with its key and an unmodified SDK: neither finds, counts or stops the other's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from bench.programs import Mock, Service, chat_line, jsonl
from local_host.stores.stores import open_stores
from shared.services import Services
from shared.settings import Settings
from tests.api.made_keys import PEPPERS, make_key, make_project

SLOW = "[[latency=60000]]"
BATCH = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
HOOK = {"name": "results", "url": "https://results.example/hook", "event_types": ["batch.failed"]}


@pytest.fixture
def service(tmp_path: Path, mock: Mock) -> Iterator[Service]:
    peppers = ",".join(f"{name}:{secret.decode()}" for name, secret in PEPPERS.items())
    program = Service(tmp_path, mock.url, BATCH_KEY_PEPPERS=peppers)
    program.start()
    yield program
    program.stop()


async def two_keys(data: Path) -> list[str]:
    """Of two new projects, made in the stores of a service that runs."""
    stores = open_stores(data)
    made = Services(settings=Settings(), stores=stores, upstream=None, webhook_sender=None)
    keys = [(await make_key(made, await make_project(made, name=name))).text for name in ("first", "second")]
    await stores.close()
    return keys


def unknown(ask: Callable[[], Any]) -> str:
    """What the SDK raises as 404."""
    with pytest.raises(openai.NotFoundError) as caught:
        ask()
    return str(caught.value)


def test_two_projects_do_not_meet(service: Service, tmp_path: Path) -> None:
    """Through every resource of the SDK that takes an id, while the other's batch runs."""
    first, second = asyncio.run(two_keys(tmp_path / "data"))
    url = f"{service.url}/v1"
    with openai.OpenAI(base_url=url, api_key=first) as theirs, openai.OpenAI(base_url=url, api_key=second) as mine:
        file = theirs.files.create(file=("theirs.jsonl", jsonl(chat_line(1, SLOW))), purpose="batch")
        batch = theirs.batches.create(input_file_id=file.id, **BATCH, extra_headers={"idempotency-key": "same"})
        hook = theirs.webhooks.create(**HOOK)
        upload = theirs.uploads.create(filename="a.jsonl", purpose="batch", bytes=3, mime_type="text/plain")
        part = theirs.uploads.parts.create(upload.id, data=b"{}\n")

        refusals = [
            unknown(lambda: mine.files.retrieve(file.id)),
            unknown(lambda: mine.files.content(file.id)),
            unknown(lambda: mine.files.delete(file.id)),
            unknown(lambda: mine.batches.retrieve(batch.id)),
            unknown(lambda: mine.batches.cancel(batch.id)),
            unknown(lambda: mine.post(f"/batches/{batch.id}/retry", cast_to=object)),
            unknown(lambda: mine.webhooks.retrieve(hook.id)),
            unknown(lambda: mine.webhooks.delete(hook.id)),
            unknown(lambda: mine.webhooks.rotate_secret(hook.id)),
            unknown(lambda: mine.uploads.parts.create(upload.id, data=b"{}\n")),
            unknown(lambda: mine.uploads.complete(upload.id, part_ids=[part.id])),
            unknown(lambda: mine.uploads.cancel(upload.id)),
        ]
        own = mine.files.create(file=("mine.jsonl", jsonl(chat_line(1))), purpose="batch")
        made = [
            mine.batches.create(input_file_id=given, **BATCH, extra_headers=headers).id
            for given, headers in ((own.id, {"idempotency-key": "same"}), (file.id, {}))
        ]
        ran, failed = (ended(mine, batch_id) for batch_id in made)

        assert not any("theirs" in said or "first" in said for said in refusals)
        assert ("completed", 1) == (ran.status, ran.request_counts.completed)
        assert ("failed", True) == (failed.status, "Cannot find file" in failed.errors.data[0].message)
        assert set(made) == {each.id for each in mine.batches.list()}
        assert {own.id, ran.output_file_id} == {each.id for each in mine.files.list()}
        assert [] == list(mine.webhooks.list())
        assert theirs.batches.retrieve(batch.id).status in ("validating", "in_progress")
        assert [batch.id] == [each.id for each in theirs.batches.list()]
        assert [hook.id] == [each.id for each in theirs.webhooks.list()]
        assert ["theirs.jsonl"] == [each.filename for each in theirs.files.list()]
        assert "completed" == theirs.uploads.complete(upload.id, part_ids=[part.id]).status


def ended(client: openai.OpenAI, batch_id: str) -> Any:
    for _ in range(600):
        batch = client.batches.retrieve(batch_id)
        if batch.status in ("completed", "failed"):
            return batch
        time.sleep(0.1)
    raise AssertionError(batch)
