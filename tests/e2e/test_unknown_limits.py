"""A rate limit that nobody has named: what of it is refused, counted by the upstream that enforces it."""

from __future__ import annotations

from pathlib import Path

from bench.programs import Mock, Service, chat_line, jsonl

LINES = 1000
PER_SECOND = 100


def test_few_calls_are_refused(tmp_path: Path) -> None:
    """Some in the first moment, in which nothing is known; all in all it was more than half."""
    mock = Mock(tmp_path, "--latency-ms", "50", "--requests-per-minute", str(60 * PER_SECOND), "--rate-headers", "0")
    mock.start()
    service = Service(tmp_path, mock.url, deployment={"max_concurrency": 64})
    service.start()
    try:
        batch = service.run(jsonl(*map(chat_line, range(LINES))))
        stats = mock.stats()
    finally:
        service.stop()
        mock.stop()

    assert batch.request_counts.completed == LINES
    assert stats["answers"].get("429", 0) < LINES / 4
