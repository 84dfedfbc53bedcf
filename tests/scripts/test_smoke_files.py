"""`scripts/smoke` and files: what it announces to the host, and what it makes of a file that was spoilt."""

from __future__ import annotations

import subprocess
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

import httpx
import pytest

from bench.programs import KEY, Service
from tests.scripts.smoking import chunks, listening, smoke, verdicts

PART_BYTES = 8 << 20
FORM_BYTES = 1024
HOP = {"host", "connection", "transfer-encoding", "content-length", "accept-encoding"}


class Relay(NamedTuple):
    """What stood between `scripts/smoke` and the service."""

    announced: list[int]
    run: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def relayed(well: Service) -> Relay:
    """A run through something that writes down the length of each body, and spoils one byte of each large download."""
    announced: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = self.headers.get("Content-Length")
            announced.append(int(length or 0))
            body = self.rfile.read(int(length)) if length else chunks(self)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            given = body if self.command == "POST" else None
            answer = httpx.request(self.command, well.url + self.path, content=given, headers=headers, timeout=60)
            content = answer.content[:-1] + b"?" if len(answer.content) > 1 << 20 else answer.content
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            self.do_POST()

        def do_DELETE(self) -> None:
            self.do_POST()

    with listening(Handler) as url:
        return Relay(announced, smoke(url, KEY))


def test_no_call_announces_more_than_a_part(relayed):
    """The Functions host holds such a body in memory: what is larger than 8 MB goes in parts or chunks."""
    assert "refused by the service itself" in relayed.run.stdout
    assert max(relayed.announced) <= PART_BYTES + FORM_BYTES
    assert sum(length > PART_BYTES for length in relayed.announced) == 2  # of the 20 MB in parts


def test_a_file_that_comes_back_other_than_it_was_sent_is_told(relayed):
    """One wrong byte in 7 MB, and in 20 MB."""
    found = verdicts(relayed.run.stdout)

    assert relayed.run.returncode == 1
    assert (found["whole upload"], found["parted upload"], found["download"]) == ("FAILED", "OK", "FAILED")
    assert "report it" in relayed.run.stdout
