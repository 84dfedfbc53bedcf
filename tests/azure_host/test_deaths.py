"""What stops, and how soon it goes on, when a worker, a host, a machine dies in Azure's own host, or is told to stop."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import httpx
import pytest

from bench.programs import Mock, chat_line, jsonl
from tests.azure_host.conftest import Instances
from tests.azure_host.instance import Instance
from tests.starved import stretched

CONCURRENCY = 64
LANES = 4
JOURNAL_RESULTS = 64
# Per death: what was in flight, and per lane what had finished and was not yet in the journal (ARCHITECTURE.md).
BOUND = CONCURRENCY + LANES * 2 * JOURNAL_RESULTS
FIRST_REQUEST_SECONDS = 30.0
pytestmark = pytest.mark.timeout(600)


def started(service: Instance, lines: int) -> str:
    return service.create(service.upload(jsonl(*(chat_line(number) for number in range(lines)))))


def until(moment: Callable[[], bool], seconds: float) -> float:
    """Seconds it took."""
    began = time.monotonic()
    while not moment():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


def asked(upstream: Mock) -> int:
    count: int = upstream.stats()["requests"]
    return count


def first_request(upstream: Mock) -> float:
    """Seconds until the upstream is asked again, now that nobody is left to ask."""
    time.sleep(0.5)  # What was on its way arrives.
    before = asked(upstream)
    return 0.5 + until(lambda: asked(upstream) > before, 240)


def check(service: Instance, upstream: Mock, batch_id: str, lines: int, deaths: int) -> int:
    """Everything is there once and in order; how many requests were sent again."""
    batch = service.wait(batch_id, seconds=300)
    assert ("completed", lines) == (batch.status, batch.request_counts.completed)
    assert [f"c{number}" for number in range(lines)] == [it["custom_id"] for it in service.lines(batch.output_file_id)]
    stats = upstream.stats()
    again: int = stats["requests"] - stats["distinct_prompts"]
    assert again <= deaths * BOUND
    return again


def test_a_dead_worker(instances: Instances, upstream: Mock) -> None:
    """10,000 lines with the worker killed twice: all there, in order; the next worker asks within seconds."""
    service = instances(deployment={"max_concurrency": CONCURRENCY})
    service.start()
    batch_id = started(service, 10_000)
    waits = []
    for moment in (2_000, 5_000):
        until(lambda moment=moment: asked(upstream) > moment, 240)
        service.worker.kill()
        waits.append(first_request(upstream))
    again = check(service, upstream, batch_id, 10_000, deaths=2)
    print(f"\nfirst request after a dead worker: {waits} s; sent again: {again}")

    assert max(waits) < stretched(FIRST_REQUEST_SECONDS)


def _followed(lost: Instance, heir: Instance, upstream: Mock) -> float:
    """Seconds from the death of all of `lost` to the first request of `heir`, started then; nothing is lost."""
    batch_id = started(lost, 3_000)
    until(lambda: asked(upstream) > 500, 240)
    lost.kill_all()
    died = time.monotonic()
    heir.start()
    first_request(upstream)
    wait = time.monotonic() - died
    again = check(heir, upstream, batch_id, 3_000, deaths=1)
    print(f"\nfirst request {wait:.1f} s after the death; sent again: {again}")
    return wait


def test_a_lost_machine(instances: Instances, upstream: Mock) -> None:
    """Host and worker killed, started again: the first request within 30 s of the death, nothing lost."""
    service = instances(deployment={"max_concurrency": CONCURRENCY})
    service.start()
    assert _followed(service, service, upstream) < stretched(FIRST_REQUEST_SECONDS + 10)  # ten for the host's own start


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root may give the second machine a name of its own.")
def test_a_machine_in_place_of_the_lost(instances: Instances, upstream: Mock) -> None:
    """It cannot see that the other's processes are gone: claims run out, and within 60 s their lines are asked."""
    lost, other = (instances(machine=name, deployment={"max_concurrency": CONCURRENCY}) for name in ("lost", "other"))
    lost.start()
    assert _followed(lost, other, upstream) < stretched(60)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root may give the second machine a name of its own.")
def test_one_of_two_machines(instances: Instances, upstream: Mock) -> None:
    """Of two instances of one hub one is lost: within 60 s the other has asked every line that it had claimed."""
    one, two = (instances(machine=name, deployment={"max_concurrency": CONCURRENCY}) for name in ("one", "two"))
    one.start()
    two.start()
    batch_id = started(one, 8_000)
    until(lambda: asked(upstream) > 1_000, 240)
    two.kill_all()
    died = time.monotonic()
    batch = one.wait(batch_id, seconds=300)
    print(f"\nthe rest took {time.monotonic() - died:.1f} s")

    assert "completed" == batch.status
    check(one, upstream, batch_id, 8_000, deaths=1)
    assert time.monotonic() - died < stretched(60 + 8_000 / 300)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root may give the second machine a name of its own.")
def test_what_a_lost_machine_had_claimed(instances: Instances, upstream: Mock) -> None:
    """Lanes that live take it over within 60 s, however late the platform gives the dead ones' activities to another."""
    late = {
        "AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout": "0:05:00"
    }
    one, two = (instances(machine=name, deployment={"max_concurrency": CONCURRENCY}, **late) for name in ("one", "two"))
    one.start()
    two.start()
    lines = 30_000  # The lanes that live are at work for longer than those of the dead count as alive.
    _started_on_both(one, two, upstream, lines)
    two.kill_all()
    died = time.monotonic()
    until(lambda: upstream.stats()["distinct_prompts"] == lines, stretched(60 + lines / 300))
    print(f"\nthe rest was asked within {time.monotonic() - died:.1f} s")


def _started_on_both(one: Instance, two: Instance, upstream: Mock, lines: int) -> None:
    """A batch of which both instances have lanes."""
    for _ in range(8):
        upstream.reset()
        batch_id = started(one, lines)
        until(lambda: asked(upstream) > 1_000, 240)
        if all(_calls(instance, upstream) for instance in (one, two)):
            return
        with one.openai as client:
            client.batches.cancel(batch_id)
        one.wait(batch_id)
    raise AssertionError("One instance got all lanes of eight batches.")


def _calls(instance: Instance, upstream: Mock) -> bool:
    port = httpx.URL(upstream.url).port
    return any(it.raddr and it.raddr.port == port for it in instance.worker.net_connections())


def test_told_to_stop(instances: Instances, upstream: Mock) -> None:
    """SIGTERM: no new request, what is in flight ends and is kept; started again, nothing is sent twice."""
    for graceful in ("true", "false"):
        upstream.reset()
        name = "AzureFunctionsJobHost__extensions__durableTask__useGracefulShutdown"
        service = instances(deployment={"max_concurrency": CONCURRENCY}, **{name: graceful})
        service.start()
        batch_id = started(service, 2_000)
        until(lambda: asked(upstream) > 500, 240)
        service.host.send_signal(signal.SIGTERM)
        service.host.wait(240)
        service._reap()
        service.start()
        assert 0 == check(service, upstream, batch_id, 2_000, deaths=1)
        service.kill_all()


def test_an_orphaned_worker(instances: Instances, upstream: Mock) -> None:
    """Its host killed alone: it asks nothing more within seconds, and the host's next worker goes on."""
    service = instances(deployment={"max_concurrency": CONCURRENCY}, HOST_ORPHANS="1")
    service.start()
    batch_id = started(service, 12_000)  # More than it could ask while it is looked at.
    until(lambda: asked(upstream) > 500, 240)
    worker = service.worker
    service.kill()
    time.sleep(3)
    asked_before = asked(upstream)
    time.sleep(3)

    assert asked_before < 10_000
    assert (True, asked_before) == (worker.is_running(), asked(upstream))
    service.start()
    check(service, upstream, batch_id, 12_000, deaths=1)
    worker.kill()
