"""A service for the program, with an upstream that answers what prompts order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.programs import Mock, Service, chat_line, jsonl


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("dbatch")
    mock = Mock(folder)
    mock.start()
    quick = {"BATCH_MAX_ATTEMPTS": "2", "BATCH_RETRY_FIRST_SECONDS": "0.05", "BATCH_HEARTBEAT_SECONDS": "0.5"}
    deployment = {"price": {"input": 1000, "output": 2000}, "max_concurrency": 4}
    program = Service(folder, mock.url, deployment=deployment, BATCH_DRAIN_SECONDS="1", **quick)
    program.start()
    yield program
    program.stop()
    mock.stop()


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    """Five requests, of which the fourth is refused by its upstream; the third's answer looks like a formula."""
    path = tmp_path / "requests.jsonl"
    texts = {2: "=1+1", 3: "[[status=400]]"}
    path.write_bytes(jsonl(*(chat_line(number, texts.get(number)) for number in range(5))))
    return path
