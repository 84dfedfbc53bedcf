"""A service for the program, with an upstream that answers what prompts order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from bench.programs import Mock, Service, chat_line, jsonl
from tests.scripts.smoking import listening


class Structured(BaseHTTPRequestHandler):
    """A model that answers what `response_format` asks for: each property is the prompt; or, asked to, something else."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][-1]["content"]
        names = body["response_format"]["json_schema"]["schema"]["properties"]
        content = "sorry" if "refuse" in text else json.dumps(dict.fromkeys(names, text))
        answer = json.dumps({"model": "s", "choices": [{"message": {"content": content}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="session")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    program = Mock(tmp_path_factory.mktemp("mock"))
    program.start()
    yield program
    program.stop()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, mock: Mock) -> Iterator[Service]:
    """With the deployments `m`, the mock, which costs something, and `s`, whose answers are structured."""
    folder = tmp_path_factory.mktemp("dbatch")
    quick = {"BATCH_MAX_ATTEMPTS": "2", "BATCH_RETRY_FIRST_SECONDS": "0.05", "BATCH_HEARTBEAT_SECONDS": "0.5"}
    with listening(Structured) as structured:
        deployments = {
            "m": {"base_url": f"{mock.url}/v1", "price": {"input": 1000, "output": 2000}, "max_concurrency": 4},
            "s": {"base_url": f"{structured}/v1"},
        }
        quick |= {"BATCH_DRAIN_SECONDS": "1", "BATCH_DEPLOYMENTS": json.dumps(deployments)}
        quick |= {"BATCH_WEBHOOK_ALLOW_HTTP": "true", "BATCH_WEBHOOK_ALLOW_PRIVATE": "true"}
        quick["BATCH_COMPLETION_WINDOWS"] = "24h,48h"
        program = Service(folder, mock.url, **quick)
        program.start()
        yield program
        program.stop()


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    """Five requests, of which the fourth is refused by its upstream; the third's answer looks like a formula."""
    path = tmp_path / "requests.jsonl"
    texts = {2: "=1+1", 3: "[[status=400]]"}
    path.write_bytes(jsonl(*(chat_line(number, texts.get(number)) for number in range(5))))
    return path
