"""What nobody has named of an upstream: a rate limit, counted by who enforces it, and refusals that obey no limit."""

from __future__ import annotations

from pathlib import Path

from bench.limits import use_of_limit
from bench.programs import Mock, Service, chat_line, jsonl

PER_SECOND, SECONDS = 100, 10
LINES = 500


def test_few_calls_are_refused() -> None:
    """Some in the first moment, in which nothing is known; all in all it was more than half."""
    _, refused = use_of_limit("requests_per_minute", PER_SECOND, SECONDS, configured=False, headers=False)

    assert refused < 0.2


def test_an_upstream_that_refuses_by_chance_is_used(tmp_path: Path) -> None:
    """Three of ten, whatever the rate, of 64 places with answers of three seconds: at least 34 seconds."""
    mock = Mock(tmp_path, "--latency-ms", "3000", "--throttle", "0.3", "--retry-after-seconds", "0")
    mock.start()
    service = Service(tmp_path, mock.url, deployment={"max_concurrency": 64})
    service.start()
    try:
        batch = service.wait(service.create(service.upload(jsonl(*(chat_line(n) for n in range(LINES))))), 240)
    finally:
        service.stop()
        mock.stop()

    assert batch.request_counts.completed == LINES
