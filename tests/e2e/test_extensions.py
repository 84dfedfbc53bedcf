"""What no vendor has, through the SDK's generic calls: validate, retry, the estimated end."""

from __future__ import annotations

import time
from typing import Any

import httpx

from bench.programs import Mock, Service, chat_line, jsonl


def post(service: Service, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    with service.openai as client:
        answer: httpx.Response = client.post(path, cast_to=httpx.Response, body=body)
        found: dict[str, Any] = answer.json()
        return found


def test_validate_tells_what_a_batch_would_come_to(service: Service, mock: Mock) -> None:
    """The same number of requests and tokens as the batch itself, and nothing is sent."""
    file_id = service.upload(jsonl(*(chat_line(n) for n in range(50))))
    body = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    mock.reset()
    answer = post(service, "/batches/validate", body)

    assert (answer["valid"], answer["model"], answer["requests"]) == (True, "m", 50)
    assert answer["input_tokens"] > 50
    assert mock.stats()["requests"] == 0


def test_validate_names_what_the_failed_batch_would(service: Service) -> None:
    """One code path: the same errors, word for word."""
    file_id = service.upload(jsonl(chat_line(1)) + b"nonsense\n" + jsonl(chat_line(1), chat_line(2, method="GET")))
    body = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    answer = post(service, "/batches/validate", body)

    failed = service.wait(service.create(file_id))
    assert answer["valid"] is False
    assert answer["errors"]["data"] == [error.to_dict() for error in failed.errors.data]


def test_retry_sends_what_failed_again(service: Service) -> None:
    """Two of a hundred failed; the retry has these two, and its own results."""
    lines = [chat_line(n, f"[[status=400]] no {n}" if n in (3, 77) else None) for n in range(100)]
    first = service.run(jsonl(*lines))
    retry = post(service, f"/batches/{first.id}/retry")
    ended = service.wait(retry["id"])

    assert (first.request_counts.failed, retry["retry_of"]) == (2, first.id)
    assert ended.status == "completed"
    assert ["c3", "c77"] == [line["custom_id"] for line in service.lines(ended.error_file_id)]


def test_retry_runs_what_a_cancel_left(service: Service) -> None:
    """First and second batch together answer every request exactly once."""
    batch_id = service.create(service.upload(jsonl(*(chat_line(n, f"[[latency=100]] r{n}") for n in range(1000)))))
    with service.openai as client:
        while client.batches.retrieve(batch_id).request_counts.completed == 0:
            time.sleep(0.05)
        client.batches.cancel(batch_id)
    first = service.wait(batch_id)
    second = service.wait(post(service, f"/batches/{batch_id}/retry")["id"])

    answered = service.lines(first.output_file_id) + service.lines(second.output_file_id)
    assert 0 < first.request_counts.completed < 1000
    assert sorted(f"c{n}" for n in range(1000)) == sorted(line["custom_id"] for line in answered)


def test_progress_foretells_the_end(service: Service) -> None:
    """Half way through, the estimate is of the right size."""
    batch_id = service.create(service.upload(jsonl(*(chat_line(n, f"[[latency=200]] e{n}") for n in range(1500)))))
    with service.openai as client:
        while (batch := client.batches.retrieve(batch_id)).request_counts.completed < 750:
            assert batch.status in ("validating", "in_progress")
            time.sleep(0.05)
    seen, progress = time.time(), batch.to_dict()["progress"]
    service.wait(batch_id)
    lasted = time.time() - seen

    assert progress["requests_per_second"] > 0
    assert progress["reason"] is None
    assert lasted / 3 - 2 <= progress["estimated_completion_at"] - seen <= lasted * 3 + 2
