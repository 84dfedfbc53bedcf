"""What the dialects promise beyond the common flow: DeepInfra, Compass, Azure's reading of the file, filters, quota."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from bench.programs import KEY, Mock, Service, chat_line, jsonl

BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "question"}]},
    "/v1/completions": {"prompt": "question"},
    "/v1/embeddings": {"input": ["question"]},
    "/v1/moderations": {"input": "question"},
    "/v1/responses": {"input": "question"},
}


def a_line(number: int, endpoint: str, url: str | None = None) -> dict[str, Any]:
    return chat_line(number, url=url or endpoint, body={"model": "m"} | BODIES[endpoint])


def test_deepinfra_flow(service: Service) -> None:
    """Its how-to through the plain client: ids `file_…`, the expiry's parts left out, results for 30 days."""
    with openai.OpenAI(base_url=f"{service.url}/v1/openai", api_key=KEY) as client:
        file = client.files.create(file=("batch.jsonl", jsonl(chat_line(1))), purpose="batch")
        batch = client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            extra_body={"output_expires_after": {}},
        )
        while batch.status not in ("completed", "failed"):
            time.sleep(0.1)
            batch = client.batches.retrieve(batch.id)
        output = client.files.retrieve(batch.output_file_id)
        text = client.files.content(output.id).text

    assert file.id.startswith("file_")
    assert output.id.startswith("file_")
    assert 2_592_000 == output.expires_at - output.created_at
    assert '"custom_id":"c1"' in text


def test_compass_flow(service: Service) -> None:
    """Its four calls with its header, and the files around them: bare UUIDs, output lines as OpenAI's (contract 9.4)."""
    with httpx.Client(base_url=f"{service.url}/batch-api/v1", headers={"api-key": KEY}, timeout=60) as client:
        sent = client.post("/files", data={"purpose": "batch"}, files={"file": ("a.jsonl", jsonl(chat_line(1)))}).json()
        body = {"input_file_id": sent["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        batch = client.post("/batches", json=body).json()
        while batch["status"] not in ("completed", "failed"):
            time.sleep(0.1)
            batch = client.get(f"/batches/{batch['id']}").json()
        (listed,) = client.get("/batches", params={"limit": 1}).json()["data"]
        text = client.get(f"/files/{batch['output_file_id']}/content").text

    assert ("completed", batch) == (batch["status"], listed)
    assert [len(batch[name]) for name in ("input_file_id", "output_file_id")] == [36, 36]
    assert '"custom_id":"c1"' in text


@pytest.mark.parametrize("endpoint", BODIES)
def test_every_endpoint(service: Service, endpoint: str) -> None:
    """What a batch names is what its lines are sent to (contract 1.5.5)."""
    batch = service.run(jsonl(a_line(1, endpoint)), endpoint=endpoint)

    (line,) = service.lines(batch.output_file_id)
    assert (endpoint, 200) == (batch.endpoint, line["response"]["status_code"])


@pytest.mark.parametrize("url", ["/v1/responses", "/responses"])
def test_azure_reads_the_endpoint_from_the_file(service: Service, url: str) -> None:
    """Microsoft's how-to names chat completions and sends responses: the file decides (contract 1.5.5)."""
    with service.azure as client:
        file = client.files.create(file=("r.jsonl", jsonl(a_line(1, "/v1/responses", url))), purpose="batch")
        made = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    batch = service.wait(made.id)

    (line,) = service.lines(batch.output_file_id)
    assert ("completed", "/v1/responses") == (batch.status, batch.endpoint)
    assert "response" == line["response"]["body"]["object"]


def test_azure_fails_a_batch_with_another_window(service: Service) -> None:
    """The call is accepted, the batch fails (contract 1.5.5)."""
    with service.azure as client:
        file = client.files.create(file=("w.jsonl", jsonl(chat_line(1))), purpose="batch")
        made = client.batches.create(input_file_id=file.id, endpoint="/chat/completions", completion_window="1h")
    batch = service.wait(made.id)

    assert ("failed", "completion_window") == (batch.status, batch.errors.data[0].param)


def test_filters_and_order(service: Service) -> None:
    """By metadata, status and time, both ways, through every page (contract 1.5.6, extensions)."""
    mark = str(time.monotonic())
    file_id = service.upload(jsonl(chat_line(1)))
    made = [service.create(file_id, metadata={"mark": mark, "n": str(n)}) for n in range(5)]
    with service.openai as client:
        pages = client.batches.list(limit=2, extra_query={"metadata[mark]": mark, "order": "asc"})
        found = [batch.id for batch in pages]
    for batch_id in made:
        service.wait(batch_id)
    with service.azure as client:
        query = {"$filter": "status eq 'Completed' and created_at gt 0", "$orderby": "created_at desc"}
        pages = client.batches.list(limit=2, extra_query=query | {"metadata[mark]": mark})
        completed = [batch.metadata["n"] for batch in pages]

    assert made == found
    assert ["4", "3", "2", "1", "0"] == completed


def test_a_repeated_create_is_one_batch(service: Service) -> None:
    """Two attempts that arrive one after the other, as after a lost answer (contract 6.5)."""
    body = {
        "input_file_id": service.upload(jsonl(chat_line(1))),
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }
    headers = {"authorization": f"Bearer {KEY}"}
    made = [
        httpx.post(
            f"{service.url}/v1/batches",
            json=body,
            headers=headers | {"x-stainless-retry-count": str(count)},
            timeout=60,
        ).json()["id"]
        for count in (0, 1, 2, 0)
    ]

    assert made[0] == made[1] == made[2] != made[3]


@pytest.fixture
def small(tmp_path: Path, mock: Mock) -> Iterator[Service]:
    """Its deployment takes 100 enqueued tokens."""
    program = Service(tmp_path, mock.url, deployment={"enqueued_token_limit": 100})
    program.start()
    yield program
    program.stop()


def test_microsofts_back_off_loop(small: Service) -> None:
    """Refused with 400 and the literal while the first batch runs; accepted when it has ended (contract 3.4)."""
    text = "[[latency=1500]] " + "x" * 200
    with small.azure as client:
        files = [
            client.files.create(file=(f"{n}.jsonl", jsonl(chat_line(n, text))), purpose="batch").id for n in range(2)
        ]
        create = {"endpoint": "/chat/completions", "completion_window": "24h"}
        client.batches.create(input_file_id=files[0], **create)
        refusals = list[str]()
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                second = client.batches.create(input_file_id=files[1], **create)
                break
            except openai.BadRequestError as error:
                refusals.append(str(error))
                time.sleep(0.3)

    assert refusals
    assert all("token_limit_exceeded" in refusal for refusal in refusals)
    assert "completed" == small.wait(second.id).status
