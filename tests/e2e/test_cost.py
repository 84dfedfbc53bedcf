"""The cost of a batch through SDKs, against a recount of its output file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from bench.programs import Mock, Service, chat_line, jsonl
from tests.e2e.test_extensions import post

PRICE = {
    "input": "0.15",
    "cached_input": 0.075,
    "output": 0.6,
    "currency": "EUR",
    "batch_discount": 0.5,
    "steps": [{"above_input_tokens": 200, "input": 0.3, "cached_input": 0.15, "output": "0.9"}],
}


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory, mock: Mock) -> Iterator[Service]:
    program = Service(tmp_path_factory.mktemp("priced"), mock.url, deployment={"price": PRICE})
    program.start()
    yield program
    program.stop()


def recounted(usage: dict[str, Any]) -> Fraction:
    """Of one answer."""
    sent, cached = usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"]
    twice, more = (2, Fraction(3, 2)) if sent > 200 else (1, Fraction(1))
    tokens = ((sent - cached) * Fraction("0.15") + cached * Fraction("0.075")) * twice
    return (tokens + usage["completion_tokens"] * Fraction("0.6") * more) / 1_000_000 / 2


def test_the_cost_is_that_of_the_output_file(priced: Service) -> None:
    """An attribute of the SDK's batch, exact; the next batch's estimate is of the same size."""
    lines = jsonl(*(chat_line(n, f"{'long ' * 400 if n % 3 == 0 else 'short'} {n}") for n in range(600)))
    batch = priced.run(lines)
    recount = sum(
        (recounted(line["response"]["body"]["usage"]) for line in priced.lines(batch.output_file_id)), Fraction(0)
    )
    body = {"input_file_id": batch.input_file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    foreseen = post(priced, "/batches/validate", body)["estimated_cost"]

    assert batch.request_counts.completed == 600
    assert batch.cost == {"currency": "EUR", "estimated": None, "actual": float(recount)}
    assert (foreseen["currency"], foreseen["total"]) == ("EUR", pytest.approx(float(recount), rel=0.5))


def test_a_running_batch_says_what_it_will_come_to(priced: Service) -> None:
    """Half way through, twice what it has cost."""
    batch_id = priced.create(priced.upload(jsonl(*(chat_line(n, f"[[latency=200]] e{n}") for n in range(1000)))))
    with priced.openai as client:
        while (batch := client.batches.retrieve(batch_id)).request_counts.completed < 500:
            assert batch.status in ("validating", "in_progress")
            time.sleep(0.05)
        ended = priced.wait(batch_id)

    assert batch.cost["actual"] < batch.cost["estimated"] == pytest.approx(ended.cost["actual"], rel=0.1)
