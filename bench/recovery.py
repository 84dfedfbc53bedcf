"""What a kill -9 costs: `python -m bench.recovery [--quick]`.

In the middle of a batch, at a moment drawn from a seed, the host is killed, or all its workers at once. Counted are
requests that the upstream got more than once, and the time from the restart (of workers, which the host restarts: from
the kill) to the first new request.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.programs import Mock, Service, chat_line, jsonl
from bench.report import print_table, run_alone, spread

LINES = 2500
CONCURRENCY = 32
SILENCE_SECONDS = 0.2  # After a kill of the host, until what it had sent has arrived at the upstream.


def one_kill(service: Service, mock: Mock, data: bytes, victim: str, seed: int) -> tuple[int, float]:
    """(requests sent again, seconds until the first new request) of one batch with one kill."""
    dice = random.Random(seed)
    mock.reset()
    _wait_for_spare(service)
    batch_id = service.create(service.upload(data))
    _wait_for(mock, dice.randrange(LINES // 10, LINES * 6 // 10))
    since = _kill_host(service) if victim == "host" else _kill_workers(service)
    before = mock.stats()["requests"]
    if victim == "host":
        service.start()
    _wait_for(mock, before + 1)
    resumed = time.perf_counter() - since
    batch = service.wait(batch_id, 120)
    assert batch.request_counts.completed == LINES, batch
    stats = mock.stats()
    return stats["requests"] - stats["distinct_prompts"], resumed


def _kill_host(service: Service) -> float:
    service.kill()
    time.sleep(SILENCE_SECONDS)
    return time.perf_counter()


def _kill_workers(service: Service) -> float:
    """All of them, so that the next request is one of a new worker."""
    for worker in service.workers():
        worker.kill()
    return time.perf_counter()


def _wait_for_spare(service: Service) -> None:
    """A worker that was killed a moment ago is still being replaced; hosts are killed less often than here."""
    until = time.monotonic() + 60
    while not service.has_spare():
        assert time.monotonic() < until, "no spare worker within a minute"
        time.sleep(0.05)


def _wait_for(mock: Mock, requests: int) -> None:
    until = time.monotonic() + 60
    while mock.stats()["requests"] < requests:
        assert time.monotonic() < until, "no new request within a minute"
        time.sleep(0.005)


def measure(seeds: int) -> list[dict[str, Any]]:
    """For each victim the spread over seeds; one kill for each seed."""
    found = []
    data = jsonl(*(chat_line(n) for n in range(LINES)))
    with tempfile.TemporaryDirectory() as folder:
        mock = Mock(Path(folder), "--latency-ms", "20", "--jitter-ms", "20")
        mock.start()
        service = Service(Path(folder), mock.url, deployment={"max_concurrency": CONCURRENCY})
        service.start()
        try:
            for victim in ("host", "workers"):
                kills = [one_kill(service, mock, data, victim, seed) for seed in range(seeds)]
                again, resumed = zip(*kills, strict=True)
                found.append({"victim": victim, "kills": seeds, "again": spread(again), "resumed_s": spread(resumed)})
        finally:
            service.stop()
            mock.stop()
    return found


def run(*, quick: bool) -> dict[str, Any]:
    """Measure and show."""
    victims = measure(3 if quick else 12)
    heads = ["killed", "kills", "again min", "median", "max", "first new request after s, min", "median", "max"]
    rows = [
        [one["victim"], one["kills"], *map(int, one["again"].values()), *one["resumed_s"].values()] for one in victims
    ]
    print_table(f"kill -9 within {LINES:,} lines, {CONCURRENCY} in flight", heads, rows)
    return {"lines": LINES, "concurrency": CONCURRENCY, "victims": victims}


if __name__ == "__main__":
    run_alone(run, __doc__)
