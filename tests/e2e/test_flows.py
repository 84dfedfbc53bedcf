"""The flows of the vendors' how-to pages, through their own SDK."""

from __future__ import annotations

import json
import time

import httpx

from bench.programs import KEY, Service, chat_line, jsonl
from tests.e2e.conftest import everywhere
from tests.starved import stretched

pytestmark = everywhere
QUESTIONS = ("When was Microsoft founded?", "When was the first XBOX released?", "What is Altair Basic?")


def test_openai_flow(service: Service) -> None:
    """Upload, create, poll, download through `OpenAI`: every answer in input order, nothing in the error file."""
    batch = service.run(jsonl(*(chat_line(n, text) for n, text in enumerate(QUESTIONS))), metadata={"why": "test"})

    lines = service.lines(batch.output_file_id)
    assert ("completed", None, {"why": "test"}) == (batch.status, batch.error_file_id, batch.metadata)
    assert ["c0", "c1", "c2"] == [line["custom_id"] for line in lines]
    for line, question in zip(lines, QUESTIONS, strict=True):
        assert 200 == line["response"]["status_code"]
        assert question in line["response"]["body"]["choices"][0]["message"]["content"]


def test_azure_flow(service: Service) -> None:
    """Microsoft's how-to through `AzureOpenAI`: the classic dialect's spellings, both files, an empty error file."""
    with service.azure as client:
        file = client.files.create(file=("test.jsonl", jsonl(chat_line(1, url="/chat/completions"))), purpose="batch")
        batch = client.batches.create(input_file_id=file.id, endpoint="/chat/completions", completion_window="24h")
        while batch.status not in ("completed", "failed", "canceled"):
            time.sleep(0.1)
            batch = client.batches.retrieve(batch.id)
        assert batch.output_file_id
        assert batch.error_file_id
        (line,) = [json.loads(text) for text in client.files.content(batch.output_file_id).text.strip().split("\n")]
        assert b"" == client.files.content(batch.error_file_id).read()

    assert "/chat/completions" == batch.endpoint
    assert "id" not in line
    assert "question 1" in line["response"]["body"]["choices"][0]["message"]["content"]


def test_azure_v1_flow(service: Service) -> None:
    """The same records through `/openai/v1` with the plain client; a batch made there is readable through `/v1`."""
    with service.openai as plain, plain.with_options(base_url=f"{service.url}/openai/v1") as client:
        file = client.files.create(file=("a.jsonl", jsonl(chat_line(1))), purpose="batch")
        made = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        assert made.id.replace("-", "") in plain.batches.retrieve(made.id).id

    assert "completed" == service.wait(made.id).status


def test_mixed_outcomes_are_split(service: Service) -> None:
    """A 400 goes to the error file with `error: null`; the others are not disturbed; counts agree (contract 4.1)."""
    batch = service.run(jsonl(chat_line(1), chat_line(2, "[[status=400]] no"), chat_line(3)))

    (failed,) = service.lines(batch.error_file_id)
    assert ("c2", 400, None) == (failed["custom_id"], failed["response"]["status_code"], failed["error"])
    assert ["c1", "c3"] == [line["custom_id"] for line in service.lines(batch.output_file_id)]
    assert (3, 2, 1) == (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed)


def test_counts_move_while_it_runs(service: Service) -> None:
    """`request_counts` and `usage` are live (contract 2.4)."""
    slow = [chat_line(n, f"[[latency={n * 10}]] q{n}") for n in range(150)]
    batch_id = service.create(service.upload(jsonl(*slow)))
    seen = set()
    with service.openai as client:
        while (batch := client.batches.retrieve(batch_id)).status in ("validating", "in_progress"):
            seen.add(batch.request_counts.completed)
            time.sleep(0.1)

    assert len(seen - {0, 150}) >= 2
    assert 150 == service.wait(batch_id).request_counts.completed


def test_cancel(service: Service) -> None:
    """A cancelled batch keeps what finished; the rest are `batch_cancelled` lines; each custom_id once."""
    batch_id = service.create(service.upload(jsonl(*(chat_line(n, f"[[latency=200]] x{n}") for n in range(2000)))))
    with service.openai as client:
        while client.batches.retrieve(batch_id).request_counts.completed == 0:
            time.sleep(0.05)
        assert "cancelling" == client.batches.cancel(batch_id).status
        since = time.monotonic()
        batch = service.wait(batch_id)
        assert "cancelled" == client.batches.cancel(batch_id).status

    output, error = service.lines(batch.output_file_id), service.lines(batch.error_file_id)
    assert time.monotonic() - since < stretched(10)
    assert sorted(f"c{n}" for n in range(2000)) == sorted(line["custom_id"] for line in output + error)
    assert {"batch_cancelled"} == {line["error"]["code"] for line in error}
    assert (len(output), 0, 2000) == (
        batch.request_counts.completed,
        batch.request_counts.failed,
        batch.request_counts.total,
    )


def test_expiry(service: Service) -> None:
    """At the end of the completion window the batch is `expired`, with what finished and `batch_expired` lines."""
    lines = [chat_line(n, f"[[latency=400]] y{n}") for n in range(1500)]
    batch = service.run(jsonl(*lines), completion_window="2s")

    output, error = service.lines(batch.output_file_id), service.lines(batch.error_file_id)
    assert ("expired", 1500) == (batch.status, len(output) + len(error))
    assert {"batch_expired"} == {line["error"]["code"] for line in error}
    assert batch.expired_at >= batch.expires_at


def test_result_files_expire_as_asked(service: Service) -> None:
    """`output_expires_after` counts from the creation of the result file (contract 2.6)."""
    batch = service.run(jsonl(chat_line(1)), output_expires_after={"anchor": "created_at", "seconds": 3600})
    with service.openai as client:
        file = client.files.retrieve(batch.output_file_id)

    assert 3600 == file.expires_at - file.created_at
    assert "batch_output" == file.purpose


def test_no_key_no_service(service: Service) -> None:
    """Without a key every route but the health check answers 401."""
    assert 200 == httpx.get(f"{service.url}/healthz", timeout=60).status_code
    assert 401 == httpx.get(f"{service.url}/v1/batches", timeout=60).status_code
    assert (
        401 == httpx.get(f"{service.url}/v1/files", headers={"Authorization": "Bearer wrong"}, timeout=60).status_code
    )
    assert 200 == httpx.get(f"{service.url}/v1/files", headers={"api-key": KEY}, timeout=60).status_code
