"""What keys and budgets cost beside none: `python -m bench.budgets [--lines 3000] [--rounds 5]`.

Three local hosts take turns on one mock upstream: with the bootstrap key and no price; with a project's key, a price
and a spend limit; and with one that stops batches. Lines a second, CPU a line, and `GET` of an ended batch; ratios to
the first one in the same round, of which the median is shown.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import openai

from bench.programs import KEY, Mock, Service, chat_line, jsonl
from bench.report import print_table
from bench.throughput import run_service

GETS = 300
LIMIT = {"currency": "USD", "interval": "month", "threshold_amount": 10**9}


class Paying(Service):
    """A service whose callers have a project's key, a price and a spend limit."""

    key = KEY

    @property
    def openai(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=self.key)

    def open_account(self, **limit: Any) -> None:
        with httpx.Client(base_url=f"{self.url}/v1/organization", headers=_as(KEY), timeout=60) as client:
            project = client.post("/projects", json={"name": "Team"}).raise_for_status().json()["id"]
            client.post(f"/projects/{project}/spend_limit", json=LIMIT | limit).raise_for_status()
            made = client.post(f"/projects/{project}/service_accounts", json={"name": "job"}).raise_for_status()
        self.key = made.json()["api_key"]["value"]


def _as(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def milliseconds_of_get(service: Paying) -> float:
    """The median of many, over one connection."""
    with service.openai as client:
        batch_id = client.batches.list(limit=1).data[0].id
    seconds = []
    with httpx.Client(base_url=f"{service.url}/v1", headers=_as(service.key), timeout=60) as client:
        for _ in range(GETS):
            since = time.perf_counter()
            client.get(f"/batches/{batch_id}").raise_for_status()
            seconds.append(time.perf_counter() - since)
    return statistics.median(seconds) * 1000


def measure(services: dict[str, Paying], lines: int, rounds: int) -> dict[str, list[tuple[float, float, float]]]:
    """Of each round: lines a second, milliseconds of CPU a line, milliseconds of a GET."""
    requests = [chat_line(number, "x" * 400) for number in range(lines)]
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in services}
    for number in range(rounds + 1):
        for name, service in services.items():
            some = requests if number else requests[:200]  # The first round warms up.
            figures = run_service(service, jsonl(*some), len(some))
            found[name].append((figures.per_second, figures.cpu_ms, milliseconds_of_get(service)))
    return {name: each[1:] for name, each in found.items()}


def show(found: dict[str, list[tuple[float, float, float]]], title: str) -> None:
    plain, rows = next(iter(found.values())), []
    for name, rounds in found.items():
        medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
        pairs = [[one / other for one, other in zip(a, b, strict=True)] for a, b in zip(rounds, plain, strict=True)]
        ratios = [statistics.median(column) for column in zip(*pairs, strict=True)]
        rows.append([name, *(f"{value:.3g} ({ratio:.2f})" for value, ratio in zip(medians, ratios, strict=True))])
    print_table(title, ["service", "lines/s", "CPU ms a line", "GET ms"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.budgets", description=__doc__)
    parser.add_argument("--lines", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    limits: dict[str, dict[str, Any] | None] = {
        "none": None,
        "a limit": {},
        "a limit that stops": {"stops_batches": True},
    }
    with tempfile.TemporaryDirectory() as name:
        mock = Mock(Path(name), "--latency-ms", "50")
        mock.start()
        services: dict[str, Paying] = {}
        try:
            for number, (title, limit) in enumerate(limits.items()):
                price = {} if limit is None else {"price": {"input": 1, "output": 2}}
                folder = Path(name) / str(number)
                folder.mkdir()
                services[title] = Paying(folder, mock.url, deployment={"max_concurrency": 64, **price})
                services[title].start()
                if limit is not None:
                    services[title].open_account(**limit)
            found = measure(services, options.lines, options.rounds)
        finally:
            for service in services.values():
                service.stop()
            mock.stop()
    show(found, f"{options.lines} lines, 64 in flight, 50 ms upstream, {options.rounds} rounds (ratio to the first)")


if __name__ == "__main__":
    main()
