"""Rate limits and fairness against a mock that enforces them: `python -m bench.limits`.

1. A limit in requests per minute (configured here, and known only from the upstream's headers): how much of it is
   used, and how many calls are refused.
2. A small batch submitted beside a large one that is running: how long it takes, in upstream round trips.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.programs import Mock, Service, chat_line, jsonl


def use_of_limit(per_minute: int, seconds: int, deployment: dict[str, Any], *, headers: bool) -> tuple[float, float]:
    """(share of the allowed rate that was used, share of calls refused) over a batch of so many seconds."""
    lines = per_minute * seconds // 60
    with tempfile.TemporaryDirectory() as folder:
        mock = Mock(
            Path(folder),
            "--latency-ms",
            "50",
            "--requests-per-minute",
            str(per_minute),
            "--rate-headers",
            str(int(headers)),
        )
        mock.start()
        service = Service(Path(folder), mock.url, deployment={"max_concurrency": 64, **deployment})
        service.start()
        try:
            batch = service.wait(service.create(service.upload(jsonl(*(chat_line(n) for n in range(lines))))), 600)
            assert batch.request_counts.completed == lines, batch
            stats = mock.stats()
        finally:
            service.stop()
            mock.stop()
    took = stats["last_answer_at"] - stats["first_request_at"]
    return lines / took / (per_minute / 60), stats["answers"].get("429", 0) / stats["requests"]


def small_beside_large(latency_ms: int, large: int) -> tuple[float, float]:
    """Seconds a 10-line batch takes alone, and beside a running large one."""
    with tempfile.TemporaryDirectory() as folder:
        mock = Mock(Path(folder), "--latency-ms", str(latency_ms))
        mock.start()
        service = Service(Path(folder), mock.url, deployment={"max_concurrency": 64})
        service.start()
        try:
            service.run(jsonl(chat_line(0)))  # warm
            alone = _seconds_of_small(service)
            large_id = service.create(service.upload(jsonl(*(chat_line(n) for n in range(large)))))
            while mock.stats()["requests"] < 500:
                time.sleep(0.05)
            beside = _seconds_of_small(service)
            with service.openai as client:
                assert client.batches.retrieve(large_id).status == "in_progress"
                client.batches.cancel(large_id)
        finally:
            service.stop()
            mock.stop()
    return alone, beside


def _seconds_of_small(service: Service) -> float:
    file_id = service.upload(jsonl(*(chat_line(n, f"small {n} {time.time()}") for n in range(10))))
    since = time.perf_counter()
    batch = service.wait(service.create(file_id))
    assert batch.request_counts.completed == 10, batch
    return time.perf_counter() - since


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-minute", type=int, default=6000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--large", type=int, default=50_000)
    options = parser.parse_args()
    print(f"{'limit of the upstream':<32} {'used':>6} {'refused':>8}")
    for name, deployment, headers in (
        ("configured", {"requests_per_minute": options.per_minute}, False),
        ("known from its headers only", {}, True),
        ("unknown (429s only)", {}, False),
    ):
        used, refused = use_of_limit(options.per_minute, options.seconds, deployment, headers=headers)
        print(f"{name:<32} {used:>6.2f} {refused:>7.1%}")
    alone, beside = small_beside_large(200, options.large)
    print(f"10 lines at 200 ms: {alone:.2f} s alone, {beside:.2f} s beside {options.large} running lines")


if __name__ == "__main__":
    main()
