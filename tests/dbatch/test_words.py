"""Words for batches, lines and results: pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.programs import chat_line, jsonl
from dbatch.batch_words import Rate, exit_of, progress_line, state, together, verdict
from dbatch.console import money
from dbatch.request_file import examine
from dbatch.result_lines import harmless, read_result
from dbatch.verbs.models import row

NOW = datetime(2026, 11, 27, 15, 0, tzinfo=UTC).astimezone()


def batch(status: str = "in_progress", done: int = 316, failed: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": "batch_1",
        "status": status,
        "request_counts": {"completed": done, "failed": failed, "total": 400},
        **more,
    }


def test_progress() -> None:
    """The service's own rate and end, where it tells them."""
    ends = int(NOW.timestamp()) + 31 * 60
    told = {"requests_per_second": 26.6, "estimated_completion_at": ends}

    assert progress_line(batch(progress=told), Rate(), NOW).startswith("in_progress  316/400  79 %  26.6/s  ends ")
    held = {"held_up": {"until": ends, "reason": "The upstream refuses its key."}}
    assert "waits until" in progress_line(batch(progress=held), Rate(), NOW)


def test_a_rate_of_our_own() -> None:
    """For a server that tells none: told after five seconds."""
    rate = Rate()
    rate.see(batch(done=100), 10.0)
    rate.see(batch(done=110), 12.0)
    assert rate.value is None
    rate.see(batch(done=200), 20.0)
    assert rate.value == 10.0


@pytest.mark.parametrize(
    ("found", "said", "code"),
    [
        (batch("completed", 400), "completed", 0),
        (batch("completed", 398, 2), "completed, 398 of 400", 3),
        (batch("expired", 10), "expired, 10 of 400", 3),
        (batch(paused_at=1), "paused", 3),
        ({"id": "b", "status": "failed", "request_counts": None}, "failed", 3),
    ],
)
def test_a_state_does_not_lie(found: dict[str, Any], said: str, code: int) -> None:
    """What is not answered is in the words, and in the exit code."""
    assert (state(found), exit_of(found)) == (said, code)


def test_a_file_that_was_refused_is_told_by_line() -> None:
    """Each error of the batch."""
    errors = {"data": [{"line": 3, "message": "Not JSON.", "code": "invalid_json"}]}

    assert "  line 3: Not JSON." in verdict({"id": "b", "status": "failed", "request_counts": None, "errors": errors})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "has no requests"),
        (b"\xef\xbb\xbf" + jsonl(chat_line(1)), "byte order mark"),
        (b"\xff\n", "is not UTF-8"),
        (b"[]\n", "no object"),
        (jsonl(chat_line(1, method="GET")), 'needs "method": "POST"'),
        (jsonl(chat_line(1), chat_line(2, url="/v1/responses")), "goes to /v1/responses, the lines before it to"),
        (jsonl(chat_line(1), chat_line(2, body={"model": "n"})), "is for n, the lines before it for m"),
        (jsonl(chat_line(1, body={})), 'has no "model"'),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: bytes, said: str) -> None:
    """The only one of each file."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(text)

    (mistake,) = examine(path).mistakes
    assert said in str(mistake)


def test_too_many_requests(tmp_path: Path) -> None:
    """50,000 are taken, one more is not; empty lines do not count."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(jsonl(chat_line(number)) for number in range(50_000)))
    assert examine(path).mistakes == []
    with path.open("ab") as file:
        file.write(jsonl(chat_line(50_000)))
    assert "It has 50,001 requests" in str(examine(path).mistakes[0])


def result(body: Any, status: int = 200, error: Any = None) -> str:
    return json.dumps({"custom_id": "1", "response": {"status_code": status, "body": body}, "error": error})


@pytest.mark.parametrize(
    ("line", "answer", "error"),
    [
        (result({"choices": [{"message": {"content": "a"}}]}), "a", None),
        (result({"choices": [{"message": {"content": None, "refusal": "no"}}]}), "no", None),
        (result({"choices": [{"text": "b"}]}), "b", None),
        (result({"output": [{"type": "reasoning"}, {"content": [{"type": "output_text", "text": "c"}]}]}), "c", None),
        (result({"data": [{"embedding": [1]}]}), '[{"embedding": [1]}]', None),
        (result({"error": {"code": "x", "message": "y"}}, 400), None, "x: y"),
        (result(None, 500), None, "HTTP 500"),
        (
            '{"custom_id": "1", "response": null, "error": {"code": "batch_expired", "message": "late"}}',
            None,
            "batch_expired: late",
        ),
    ],
)
def test_an_answer_is_read(line: str, answer: str | None, error: str | None) -> None:
    """Of every endpoint; what is no text is JSON."""
    found = read_result(line)

    assert (found.answer, found.error) == (answer, error)


@pytest.mark.parametrize(
    ("cell", "shown"), [("=1+1", "'=1+1"), ("-5", "-5"), ("-a", "'-a"), ("@x", "'@x"), ("a=b", "a=b"), ("", "")]
)
def test_no_formula_gets_into_a_table(cell: str, shown: str) -> None:
    """A number stays a number."""
    assert harmless(cell) == shown


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.1, "0.10 USD"),
        (0.000388, "0.000388 USD"),
        (1234.5, "1,234.50 USD"),
        (0, "0.00 USD"),
        (3e-12, "0.000000000003 USD"),
    ],
)
def test_money_is_exact(value: float, said: str) -> None:
    """Every digit, and two decimals at least."""
    assert money(value, "usd") == said


def test_models_with_several_upstreams() -> None:
    """Those that are not well are named in the health of their model."""
    ok, slow = {"status": "ok", "until": None}, {"status": "slowed", "until": None}
    several = [{"name": "sweden", "health": ok}, {"name": "france", "health": slow}]
    price = {"currency": "USD", "input": 0.1, "output": 2}
    model = {"id": "m", "endpoints": ["/v1/responses"], "health": ok, "targets": several, "price": price}

    assert row(model) == ("m", "ok (france slowed)", "0.10 input, 2.00 output USD", "-", "responses")
    assert row({**model, "targets": several[:1]})[1] == "ok"


def test_batches_together() -> None:
    """Sums, the slowest end, and how many have ended; a single one keeps its own state."""
    ends = int(NOW.timestamp()) + 600
    running = batch(done=100, failed=2, progress={"requests_per_second": 5.0, "estimated_completion_at": ends})
    line = progress_line(together([running, batch("completed", 400)], (50, 1), 900), Rate(), NOW)

    assert line.startswith("1 of 2 batches ended  553/900  61 %  3 failed  5.0/s  ends ")
    assert together([running]) is running
    assert state(together([batch("validating", 0)], (3, 0), 4)) == "validating"
