"""An upstream that misbehaves costs the line it answered, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from bench.programs import Service, chat_line, jsonl


def run_with(service: Service, order: str) -> tuple[Any, dict[str, Any]]:
    """A batch of three whose middle line carries `order`; the batch and that line's result."""
    batch = service.run(jsonl(chat_line(1), chat_line(2, f"[[{order}]]"), chat_line(3)))
    assert ("completed", 2) == (batch.status, batch.request_counts.completed)
    assert ["c1", "c3"] == [line["custom_id"] for line in service.lines(batch.output_file_id)]
    (failed,) = service.lines(batch.error_file_id)
    return batch, failed


def test_an_answer_that_is_not_json(service: Service) -> None:
    """HTML under 200 becomes a 502 in the error file that shows what came."""
    _, failed = run_with(service, "html")

    assert (502, None) == (failed["response"]["status_code"], failed["error"])
    assert "502 Bad Gateway" in failed["response"]["body"]["error"]["message"]


@pytest.mark.parametrize(
    ("says", "status", "words"),
    [
        ("error", 400, "Context too long."),
        ("failed_choice", 400, "No."),
        ("flagged", 403, "violence"),
        ("array", 400, "Unknown name."),
        ("too_large", 429, "Requested 46000"),
    ],
)
def test_a_refusal_however_wrapped(service: Service, says: str, status: int, words: str) -> None:
    """A refusal under 200, in a choice, in an array, as 403 or 429 fails its line with the upstream's own body."""
    _, failed = run_with(service, f"says={says}")

    assert (status, None) == (failed["response"]["status_code"], failed["error"])
    assert words in str(failed["response"]["body"])


def test_retry_of_an_error_under_200(service: Service) -> None:
    """What failed under HTTP 200 is what `/retry` sends again."""
    batch, _ = run_with(service, "says=error")
    with service.openai as client:
        retry = client.post(f"/batches/{batch.id}/retry", cast_to=type(batch))

    assert service.wait(retry.id).request_counts.total == 1


def test_loose_json(service: Service) -> None:
    """An answer behind a byte order mark, or with numbers that are none, is a success and valid JSON."""
    batch = service.run(jsonl(chat_line(1, "[[says=mark]]"), chat_line(2, "[[says=no_number]]")))
    first, second = (line["response"]["body"]["choices"][0] for line in service.lines(batch.output_file_id))

    assert first["message"]["content"] == "marked"
    assert second["logprobs"]["content"] == [{"logprob": None}]


@pytest.mark.parametrize("order", ["reset", "half"])
def test_a_broken_connection(service: Service, order: str) -> None:
    """Closed before or in the middle of the answer, every time: no response, and an error that says so."""
    _, failed = run_with(service, order)

    assert (None, "upstream_unavailable") == (failed["response"], failed["error"]["code"])


def test_no_answer_at_all(service: Service) -> None:
    """A request that hangs ends with the deployment's timeout as `request_timeout` (contract 4.1)."""
    _, failed = run_with(service, "hang")

    assert (None, "request_timeout") == (failed["response"], failed["error"]["code"])


def test_trouble_that_passes_leaves_no_trace(service: Service) -> None:
    """A first answer of 500, 429 or a reset is sent again and succeeds."""
    lines = [chat_line(n, f"[[fail_first=1:{fault}]] {n}") for n, fault in enumerate(["500", "429", "reset"])]
    batch = service.run(jsonl(*lines))

    assert (3, 0) == (batch.request_counts.completed, batch.request_counts.failed)
