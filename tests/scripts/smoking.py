"""Runs `scripts/smoke` and reads what it printed; and what may stand between it and a service."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.programs import Service
from tests.architecture.product import ROOT

LIMIT = "201 MB, chunked"
QUICK = {"BATCH_MAX_ATTEMPTS": "2", "BATCH_RETRY_FIRST_SECONDS": "0.05", "BATCH_PATIENCE_SECONDS": "1"}


def smoke(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """With `path` as the PATH, where it matters which programs there are."""
    command = [sys.executable, str(ROOT / "scripts/lib/smoke.py"), *arguments]
    environment = {**os.environ, **({"PATH": str(path)} if path else {})}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=150, env=environment)


def verdicts(output: str) -> dict[str, str]:
    return dict(re.findall(r"^(\S.*?)\s{2,}(OK|WARNING|FAILED|not tried|left out)\s", output, re.MULTILINE))


def flat(output: str) -> str:
    """Without the breaks of the table."""
    return " ".join(output.split())


def files_of(service: Service) -> list[str]:
    with service.openai as client:
        return [file.id for file in client.files.list()]


def chunks(handler: BaseHTTPRequestHandler) -> Iterator[bytes]:
    """The pieces of a chunked body; nothing if it is another."""
    while "Transfer-Encoding" in handler.headers and (size := int(handler.rfile.readline(), 16)):
        yield handler.rfile.read(size)
        handler.rfile.readline()


@contextmanager
def gateway(large: tuple[int, bytes] | None) -> Iterator[str]:
    """Something before the app that lets small calls through and answers a large body itself; None: with a reset."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, b'{"status":"ok","checks":[]}')

        def do_POST(self) -> None:
            if large is not None:
                self._drain()
                self._answer(*large)
            self.close_connection = True

        def _drain(self) -> None:
            if "Content-Length" in self.headers:
                self.rfile.read(int(self.headers["Content-Length"]))
            for _ in chunks(self):
                pass

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with listening(Handler) as url:
        yield url


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()
