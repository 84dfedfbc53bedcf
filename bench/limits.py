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
from bench.report import print_table

SMALL_LATENCY_MS = 200


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


def run(*, quick: bool) -> dict[str, Any]:
    """Measure and show."""
    per_minute, seconds = 6000, 10 if quick else 20
    known: list[dict[str, Any]] = []
    for name, deployment, headers in (
        ("configured", {"requests_per_minute": per_minute}, False),
        ("known from its headers only", {}, True),
        ("unknown (429s only)", {}, False),
    ):
        used, refused = use_of_limit(per_minute, seconds, deployment, headers=headers)
        known.append({"limit": name, "used": used, "refused_share": refused})
    alone, beside = small_beside_large(SMALL_LATENCY_MS, 20_000 if quick else 50_000)
    print_table(
        "Use of a rate limit", ["limit of the upstream", "used", "refused"], [list(one.values()) for one in known]
    )
    heads = ["alone s", "beside a large batch s", "ratio"]
    print_table(f"10 lines, {SMALL_LATENCY_MS} ms upstream", heads, [[alone, beside, beside / alone]])
    return {"per_minute": per_minute, "limits": known, "small_alone_s": alone, "small_beside_large_s": beside}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    run(quick=parser.parse_args().quick)


if __name__ == "__main__":
    main()
