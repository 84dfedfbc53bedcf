"""`scripts/smoke` as an operator meets it: on a service that is well, and on those that are not."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.programs import KEY, Mock, Service
from tests.architecture.product import ROOT

BATCHES = ("batch, OpenAI", "batch, Azure", "batch, Azure v1", "batch, DeepInfra")
QUICK = {"BATCH_MAX_ATTEMPTS": "2", "BATCH_RETRY_FIRST_SECONDS": "0.05", "BATCH_PATIENCE_SECONDS": "1"}


def smoke(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/lib/smoke.py"), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)


def verdicts(output: str) -> dict[str, str]:
    return dict(re.findall(r"^(\S.*?)\s{2,}(OK|WARNING|FAILED|not tried)\s", output, re.MULTILINE))


def flat(output: str) -> str:
    """Without the breaks of the table."""
    return " ".join(output.split())


def files_of(service: Service) -> list[str]:
    with service.openai as client:
        return [file.id for file in client.files.list()]


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with an upstream that answers."""
    folder = tmp_path_factory.mktemp("well")
    mock = Mock(folder)
    mock.start()
    service = Service(folder, mock.url, **QUICK)
    service.start()
    yield service
    service.stop()
    mock.stop()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts a service on an upstream."""
    started = []

    def start(upstream_url: str) -> Service:
        service = Service(tmp_path, upstream_url, **QUICK)
        service.start()
        started.append(service)
        return service

    yield start
    for service in started:
        service.stop()


def test_a_service_that_is_well_passes(well):
    """Every check is OK, the limit is the service's own, nothing is left, and the key is nowhere in what is printed."""
    run = smoke(well.url, KEY)

    assert run.returncode == 0, run.stdout + run.stderr
    assert set(verdicts(run.stdout).values()) == {"OK"}
    assert run.stdout.splitlines()[-1] == "OK"
    assert "refused by the service itself, which takes 200 MB" in run.stdout
    assert run.stdout.count("3 of 3 requests answered") == 4
    assert files_of(well) == []
    assert KEY not in run.stdout + run.stderr


def test_a_wrong_key_is_told_before_anything_is_sent(well):
    """No upload, no batch."""
    run = smoke(well.url, "no-such-key")

    assert run.returncode == 1
    assert verdicts(run.stdout)["key"] == "FAILED"
    assert verdicts(run.stdout)["201 MB upload"] == "not tried"
    assert "Check the key" in run.stdout.splitlines()[-1]


def test_nobody_at_the_url_is_told_as_such():
    """In a second or two, with what to check."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    run = smoke(f"http://127.0.0.1:{port}", KEY)

    assert run.returncode == 1
    assert "no connection" in run.stdout
    assert "Check the URL" in run.stdout.splitlines()[-1]


def test_an_upstream_that_is_down_is_named(serve):
    """Readiness warns, the batches fail with the reason, and the files are gone."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    service = serve(f"http://127.0.0.1:{port}")
    run = smoke(service.url, KEY)

    assert run.returncode == 1
    assert verdicts(run.stdout)["readiness"] == "WARNING"
    assert {verdicts(run.stdout)[name] for name in BATCHES} == {"FAILED"}
    assert "Connection refused" in flat(run.stdout)
    assert "BATCH_DEPLOYMENTS" in run.stdout.splitlines()[-1]
    assert files_of(service) == []


def test_batches_that_do_not_end_are_told_and_left_alone(serve, tmp_path):
    """They are not cancelled, and their files stay, for they are still read."""
    slow = Mock(tmp_path, "--latency-ms", "60000")
    slow.start()
    service = serve(slow.url)
    run = smoke(service.url, KEY, "--timeout", "6")
    with service.openai as client:
        statuses = {batch.status for batch in client.batches.list()}
    files = files_of(service)
    slow.stop()

    assert run.returncode == 1
    assert "still in_progress 0/3" in run.stdout
    assert "--timeout" in run.stdout.splitlines()[-1]
    assert statuses == {"in_progress"}
    assert len(files) == 4
    assert "runs on, so its files stay" in run.stderr


def test_an_unknown_deployment_is_told(well):
    """The service's own words are in the table."""
    run = smoke(well.url, KEY, "--deployment", "no-such-model")

    assert run.returncode == 1
    assert "'no-such-model' is not supported" in flat(run.stdout)


def test_a_url_must_be_one():
    """Exit code 2, as for every wrong use."""
    assert smoke("example.com", KEY).returncode == 2


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
            left = int(self.headers["Content-Length"])
            while left and (piece := self.rfile.read(min(left, 1 << 20))):
                left -= len(piece)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "large",
    [
        (413, b"<html>Request Entity Too Large</html>"),
        (500, b""),
        (400, b'{"error": {"message": "something else"}}'),
        None,
    ],
    ids=["413", "500", "other", "reset"],
)
def test_a_limit_before_the_service_is_found(large):
    """Whatever the platform answers, it is not the service's own word."""
    with gateway(large) as url:
        run = smoke(url, KEY)

    assert run.returncode == 1
    assert verdicts(run.stdout)["201 MB upload"] == "FAILED"
    assert "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT" in run.stdout


def test_a_service_without_deployments_asks_for_one(tmp_path):
    """There is nothing to run a batch on; the upload is tried all the same."""
    service = Service(tmp_path, "http://unused", BATCH_DEPLOYMENTS="{}")
    service.start()
    run = smoke(service.url, KEY)
    service.stop()

    assert verdicts(run.stdout)["deployment"] == "FAILED"
    assert verdicts(run.stdout)["201 MB upload"] == "OK"
    assert "--deployment" in run.stdout


def test_a_page_in_place_of_the_service_is_no_crash():
    """A proxy's 200 with HTML is told as not being this service's."""
    with gateway((200, b"<html>hello</html>")) as url:
        run = smoke(url, KEY)

    assert run.returncode == 1
    assert "Traceback" not in run.stderr
