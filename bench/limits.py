"""Rate limits and fairness against a mock that enforces them: `python -m bench.limits`.

1. A limit in requests or in tokens per minute, enforced by a token bucket; configured here, known from the upstream's
   headers only, or not known at all: how much of it is used, and how many calls are refused.
2. A small batch submitted beside a large one that is running: how long it takes, in upstream round trips.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from bench.mock_answers import tokens_of
from bench.programs import Mock, Service, chat_line, jsonl
from bench.report import print_table, run_alone

SMALL_LATENCY_MS = 200
PER_SECOND = 100
TEXT = "x" * 400
TOKENS_PER_REQUEST = sum(tokens_of(TEXT))
CASES = {
    "configured": (True, False),
    "known from its headers only": (False, True),
    "unknown (429s only)": (False, False),
}


def use_of_limit(limit: str, per_second: int, seconds: int, *, configured: bool, headers: bool) -> tuple[float, float]:
    """(share of the allowed rate that was used, share of calls refused) over a batch of so many seconds.

    `limit` is `requests_per_minute` or `tokens_per_minute`, set so that `per_second` of the batch's requests may run.
    """
    lines, per_request = per_second * seconds, 1 if limit == "requests_per_minute" else TOKENS_PER_REQUEST
    per_minute = per_second * 60 * per_request
    arguments = [
        "--latency-ms",
        "50",
        f"--{limit.replace('_', '-')}",
        str(per_minute),
        "--rate-headers",
        str(int(headers)),
    ]
    deployment = {"max_concurrency": 64} | ({limit: per_minute} if configured else {})
    with tempfile.TemporaryDirectory() as folder:
        mock = Mock(Path(folder), *arguments)
        mock.start()
        service = Service(Path(folder), mock.url, deployment=deployment)
        service.start()
        try:
            batch = service.wait(
                service.create(service.upload(jsonl(*(chat_line(n, f"{n} {TEXT}"[:400]) for n in range(lines))))), 600
            )
            assert batch.request_counts.completed == lines, batch
            stats = mock.stats()
        finally:
            service.stop()
            mock.stop()
    took = stats["last_answer_at"] - stats["first_request_at"]
    return lines / took / per_second, stats["answers"].get("429", 0) / stats["requests"]


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
    seconds = 15 if quick else 60
    known: list[dict[str, Any]] = []
    for limit in ("requests_per_minute", "tokens_per_minute"):
        for name, (configured, headers) in CASES.items():
            used, refused = use_of_limit(limit, PER_SECOND, seconds, configured=configured, headers=headers)
            known.append({"limit": f"{limit}, {name}", "used": used, "refused_share": refused})
    alone, beside = small_beside_large(SMALL_LATENCY_MS, 20_000 if quick else 50_000)
    print_table(
        "Use of a rate limit", ["limit of the upstream", "used", "refused"], [list(one.values()) for one in known]
    )
    heads = ["alone s", "beside a large batch s", "ratio"]
    print_table(f"10 lines, {SMALL_LATENCY_MS} ms upstream", heads, [[alone, beside, beside / alone]])
    return {
        "per_second": PER_SECOND,
        "seconds": seconds,
        "limits": known,
        "small_alone_s": alone,
        "small_beside_large_s": beside,
    }


if __name__ == "__main__":
    run_alone(run, __doc__)
