"""`scripts/lib/questions.py` on the real local host: what the demo says when the batch goes right, and when it does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.architecture.product import ROOT

LIBRARY = ROOT / "scripts/lib"
# demo.py without its model: the deployment points at the URL given.
DEMO = """
import sys, pathlib
sys.path.insert(0, {library!r})
import demo
from questions import NotAnswered, ask, input_file
data = pathlib.Path({data!r})
command = ["-m", "local_host", "--port", "0", "--workers", "1", "--data", str(data)]
try:
    with demo.program("The service", command, data / "log", BATCH_DEPLOYMENTS=demo.deployments({upstream!r})) as url:
        (data / "questions.jsonl").write_bytes(input_file({model!r}))
        ask(url + "/v1", demo.service_key(data), data / "questions.jsonl")
except (demo.NotStarted, NotAnswered) as problem:
    sys.exit(str(problem))
"""
ANSWER = {
    "object": "chat.completion",
    "choices": [{"message": {"role": "assistant", "content": "In 1975."}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
}


class Upstream(BaseHTTPRequestHandler):
    """Answers every question alike; refuses those about Altair under `/picky`."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """One chat completion."""
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        refused = self.path.startswith("/picky") and b"Altair" in asked
        body = json.dumps({"error": {"message": "No Altair here.", "code": "refused"}} if refused else ANSWER).encode()
        self.send_response(400 if refused else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[str]:
    """Address of a running `Upstream`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _demo(data: Path, upstream: str, model: str = "smollm2") -> subprocess.CompletedProcess[str]:
    program = DEMO.format(library=str(LIBRARY), data=str(data), upstream=upstream, model=model)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BATCH_")}
    return subprocess.run(
        [sys.executable, "-c", program],
        check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_answers_and_output_file_are_printed(upstream: str, tmp_path: Path) -> None:
    """A batch that completes prints each question, its answer and the raw output file, and exits 0."""
    run = _demo(tmp_path, upstream)

    assert run.returncode == 0, run.stderr
    assert "What is Altair Basic?\n  In 1975.\n" in run.stdout
    assert run.stdout.count('"custom_id":"question-') == 3


def test_failed_line_fails_the_demo(upstream: str, tmp_path: Path) -> None:
    """A line that the upstream refuses is shown, and the exit code is not 0."""
    run = _demo(tmp_path, upstream + "/picky")

    assert run.returncode == 1
    assert "question-3" in run.stderr
    assert "No Altair here." in run.stderr


def test_failed_batch_fails_the_demo(upstream: str, tmp_path: Path) -> None:
    """A batch that fails validation shows its errors, and the exit code is not 0."""
    run = _demo(tmp_path, upstream, model="unknown-model")

    assert run.returncode == 1
    assert "ended as failed" in run.stderr
    assert "unknown-model" in run.stderr


def test_service_that_cannot_start_is_told(tmp_path: Path) -> None:
    """A service that refuses its configuration is quoted, with where the whole log is."""
    run = _demo(tmp_path, "not a URL")

    assert run.returncode == 1
    assert "The service did not start" in run.stderr
    assert "base_url" in run.stderr
    assert str(tmp_path / "log") in run.stderr
