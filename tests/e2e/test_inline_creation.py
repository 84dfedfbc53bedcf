"""Requests in the create call: through plain HTTP as curl sends them, on both hosts, and under kill -9."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from bench.programs import KEY, Mock, Service

COMMON = (
    b'{"endpoint":"/v1/chat/completions","completion_window":"24h","model":"m","body":{"max_tokens":5},"requests":['
)
COUNT = 20_000


def call(count: int, text: str = "hello") -> Iterator[bytes]:
    """The body, in pieces of one request: its length is not announced."""
    yield COMMON
    for number in range(count):
        request = {"custom_id": f"c{number}", "body": {"messages": [{"role": "user", "content": f"{text} {number}"}]}}
        yield (b"," if number else b"") + json.dumps(request, indent=1).encode()
    yield b"]}"


def create(service: Service, content: Iterator[bytes] | bytes) -> httpx.Response:
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    return httpx.post(f"{service.url}/v1/batches", content=content, headers=headers, timeout=120)


@pytest.mark.parametrize("is_announced", [True, False])
def test_requests_run_retry_and_are_deleted(service: Service, *, is_announced: bool) -> None:
    """With a length and in chunks; problems name the request by its number."""
    body = b"".join(call(50, "[[status=400]] no"))
    made = create(service, body if is_announced else call(50, "[[status=400]] no"))
    assert made.status_code == 200, made.text
    ended = service.wait(made.json()["id"])
    assert ended.request_counts.failed == 50
    with service.openai as client:
        retry = client.post(f"/batches/{ended.id}/retry", cast_to=type(ended))
    assert service.wait(retry.id).request_counts.failed == 50
    with service.openai as client:
        client.delete(f"/batches/{ended.id}", cast_to=object, options={"params": {"files": "all"}})
        assert ended.input_file_id not in {file.id for file in client.files.list()}
    wrong = create(service, COMMON + b'{"custom_id":"a","body":{}},\n{"custom_id":"a"}]}')
    errors = service.wait(wrong.json()["id"]).errors.data
    assert [(error.line, error.param) for error in errors] == [
        (1, "body.messages"),
        (2, "custom_id"),
        (2, "body.messages"),
    ]


def test_many_requests_are_never_held(tmp_path: Path, mock: Mock) -> None:
    """20,000 of 4 KB take about the memory that the first few did."""
    service = Service(tmp_path, mock.url)
    service.start()
    try:
        assert create(service, call(10)).status_code == 200
        time.sleep(1)
        assert service.process
        host = psutil.Process(service.process.pid)
        before = most = host.memory_info().rss
        answers: list[httpx.Response] = []
        sender = threading.Thread(target=lambda: answers.append(create(service, call(COUNT, "x" * 4_000))))
        sender.start()
        while sender.is_alive():
            most = max(most, host.memory_info().rss)
            time.sleep(0.02)
        sender.join()
        assert answers[0].status_code == 200, answers[0].text
        assert most - before < 40_000_000, f"{(most - before) / 1e6:.0f} MB"
    finally:
        service.stop()


@pytest.mark.parametrize("moment", ["sending", "answered"])
def test_killed_while_requests_come(tmp_path: Path, mock: Mock, moment: str) -> None:
    """A call without an answer has made nothing; one with an answer is carried out in full."""
    service = Service(tmp_path, mock.url)
    service.start()
    try:
        if moment == "sending":

            def cut() -> Iterator[bytes]:
                for number, piece in enumerate(call(2_000)):
                    if number == 1_000:
                        service.kill()
                    yield piece

            with pytest.raises(httpx.TransportError):
                create(service, cut())
        else:
            batch_id = create(service, call(300)).json()["id"]
            service.kill()
        service.start()
        with service.openai as client:
            if moment == "sending":
                assert (list(client.batches.list()), list(client.files.list())) == ([], [])
                return
        ended = service.wait(batch_id)
        assert [line["custom_id"] for line in service.lines(ended.output_file_id)] == [f"c{n}" for n in range(300)]
    finally:
        service.stop()
