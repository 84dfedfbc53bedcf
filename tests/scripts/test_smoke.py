"""`scripts/smoke` as an operator meets it: on a service that is well, and on those that are not."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.programs import KEY, Mock, Service
from tests.scripts.smoking import LIMIT, QUICK, files_of, flat, gateway, smoke, verdicts

BATCHES = ("batch, OpenAI", "batch, Azure", "batch, Azure v1", "batch, DeepInfra", "batch, Compass")
LEFT_OUT = {"webhook", "small beside large", "alert queries", "idle telemetry"}


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
    """Every check that was asked for is OK, nothing is left, and the key is nowhere in what is printed."""
    run = smoke(well.url, KEY)
    found = verdicts(run.stdout)

    assert run.returncode == 0, run.stdout + run.stderr
    assert {name for name, verdict in found.items() if verdict != "OK"} == LEFT_OUT
    assert {found[name] for name in LEFT_OUT} == {"left out"}
    assert run.stdout.splitlines()[-1] == "OK"
    assert "at most 18 requests will reach the model" in run.stderr
    assert "refused by the service itself, which takes 200 MB" in run.stdout
    assert run.stdout.count("3 of 3 requests answered") == 5
    assert files_of(well) == []
    assert KEY not in run.stdout + run.stderr


def test_a_wrong_key_is_told_before_anything_is_sent(well):
    """No upload, no batch."""
    run = smoke(well.url, "no-such-key")

    assert run.returncode == 1
    assert verdicts(run.stdout)["key"] == "FAILED"
    assert verdicts(run.stdout)[LIMIT] == "not tried"
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
        running = {batch.input_file_id for batch in client.batches.list() if batch.status == "in_progress"}
    files = files_of(service)
    slow.stop()

    assert run.returncode == 1
    assert "still in_progress 0/3" in run.stdout
    assert "--timeout" in run.stdout.splitlines()[-1]
    assert len(running) == 5
    assert running <= set(files)
    assert "runs on, so its files stay" in run.stderr


def test_an_unknown_deployment_is_told(well):
    """The service's own words are in the table."""
    run = smoke(well.url, KEY, "--deployment", "no-such-model")

    assert run.returncode == 1
    assert "'no-such-model' is not supported" in flat(run.stdout)


def test_a_url_must_be_one():
    """Exit code 2, as for every wrong use."""
    assert smoke("example.com", KEY).returncode == 2


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
    assert verdicts(run.stdout)[LIMIT] == "FAILED"
    assert "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT" in run.stdout


def test_a_service_without_deployments_asks_for_one(tmp_path):
    """There is nothing to run a batch on; the upload is tried all the same."""
    service = Service(tmp_path, "http://unused", BATCH_DEPLOYMENTS="{}")
    service.start()
    run = smoke(service.url, KEY)
    service.stop()

    assert verdicts(run.stdout)["deployment"] == "FAILED"
    assert verdicts(run.stdout)[LIMIT] == "OK"
    assert "--deployment" in run.stdout


def test_a_page_in_place_of_the_service_is_no_crash():
    """A proxy's 200 with HTML is told as not being this service's."""
    with gateway((200, b"<html>hello</html>")) as url:
        run = smoke(url, KEY)

    assert run.returncode == 1
    assert "Traceback" not in run.stderr


def test_webhooks_are_received_and_their_signatures_judged(well):
    """The test event and the end of every batch come to this program, whose endpoint is gone afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    run = smoke(well.url, KEY, "--webhook", f"http://127.0.0.1:{port}/hook", "--webhook-port", str(port))
    with well.openai as client:
        left = client.get("/webhook_endpoints", cast_to=object)

    assert verdicts(run.stdout)["webhook"] == "OK", run.stdout
    assert "the ends of 5 batches came, rightly signed" in flat(run.stdout)
    assert left["data"] == []


def test_a_receiver_that_cannot_be_reached_is_told(well):
    """In the service's own words, with what the URL must be."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    run = smoke(well.url, KEY, "--webhook", f"http://127.0.0.1:{port}/hook")

    assert verdicts(run.stdout)["webhook"] == "FAILED"
    assert "The service must reach the URL" in run.stdout.splitlines()[-1]


def test_a_small_batch_is_tried_beside_a_large_one(serve, tmp_path):
    """How many requests it takes is said first, and the large batch is cancelled when the small one is through."""
    mock = Mock(tmp_path, "--latency-ms", "200")
    mock.start()
    service = serve(mock.url)
    run = smoke(service.url, KEY, "--model", "m", "--lines", "4000")
    answered = mock.stats()["requests"]
    with service.openai as client:
        counts = {batch.request_counts.total: batch.status for batch in client.batches.list()}
    mock.stop()

    assert "at most 4023 requests will reach the model" in run.stderr
    assert verdicts(run.stdout)["small beside large"] == "OK", run.stdout
    assert re.search(r"5 of 5 requests answered in [\d.]+ s, begun after [\d.]+ s, while the large", run.stdout)
    assert counts[4000] == "cancelled"
    assert answered < 4000
    assert files_of(service) == []
