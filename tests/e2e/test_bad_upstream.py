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
