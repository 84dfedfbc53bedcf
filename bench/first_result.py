"""How soon a result can be read after its answer: `python -m bench.first_result [--azurite] [--lines 3000]`.

The mock notes the instant of each answer. A reader for each batch asks again and again for what is new, by the route of
results or by the output file, and notes the instant at which it has a line. Results come in input order, so a line is
due when it and all before it are answered. One batch and four, a trickle of answers and as many as the machine gives.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from bench.mock_behaviour import Behaviour
from bench.mock_upstream import MockUpstream, Reply, answered, running
from bench.programs import KEY, Program, Service, chat_line, jsonl
from bench.report import Cell, load, print_table
from tests import azurite

HEADERS = {"authorization": f"Bearer {KEY}", "x-early-output": "true"}
WAYS: Final = ("results", "output file")
PAUSE_SECONDS: Final = 0.02  # Between two looks.
TRICKLE_LINES: Final = 40


class NotingUpstream(MockUpstream):
    """`GET /__answers` tells the instant at which each prompt was answered first."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(behaviour)
        self._answers: dict[str, float] = {}

    def reply(self, method: str, path: str, body: bytes) -> Reply:
        if path == "/__answers":
            return Reply(0.0, answered(json.dumps(self._answers).encode()))
        reply = super().reply(method, path, body)
        if not path.startswith("/__"):
            prompt = json.loads(body)["messages"][-1]["content"]
            self._answers.setdefault(prompt, time.time() + reply.delay)
        return reply


@dataclass(frozen=True, kw_only=True)
class Case:
    """A number of batches at once, and how the upstream answers them."""

    name: str
    batches: int
    lines: int
    latency_ms: float
    in_flight: int


def follow(service: Service, batch_id: str, way: str, lines: int, seen: list[float]) -> None:
    """Read one batch to its last line; `seen` gets the instant of each."""
    with httpx.Client(base_url=service.url, headers=HEADERS, timeout=60) as client:
        while (batch := client.get(f"/v1/batches/{batch_id}").json())["status"] == "validating":
            time.sleep(PAUSE_SECONDS)
        path = f"/v1/batches/{batch_id}/results" if way == "results" else f"/v1/files/{batch['output_file_id']}/content"
        while len(seen) < lines:
            page = client.get(path, params={"after": len(seen), "offset": len(seen), "limit": 50_000})
            if page.status_code == httpx.codes.OK:
                seen += [time.time()] * page.content.count(b"\n")
            time.sleep(PAUSE_SECONDS)


def lags(seen: list[float], prompts: Iterable[str], answers: Mapping[str, float]) -> list[float]:
    """Of each line: from the instant at which it was due to that at which it was read."""
    found, due = list[float](), 0.0
    for at, prompt in zip(seen, prompts, strict=True):
        due = max(due, answers[prompt])
        found.append(at - due)
    return found


def measured(case: Case, way: str, *, on_azurite: bool) -> list[Cell]:
    """A row of the table: the latest of the batches' first lines, then all lines together."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mock = Program(["bench.first_result", "--mock", str(case.latency_ms)], folder / "mock.log")
        mock.start()
        stack.callback(mock.stop)
        options = list[str]()
        if on_azurite:
            options += ["--azurite", stack.enter_context(azurite.running(folder / "azurite.log"))]
        service = Service(folder, mock.url, *options, deployment={"max_concurrency": case.in_flight})
        service.start()
        stack.callback(service.stop)
        prompts = [[f"batch {number} line {line}" for line in range(case.lines)] for number in range(case.batches)]
        files = [service.upload(jsonl(*map(chat_line, range(case.lines), own))) for own in prompts]
        seen = [list[float]() for _ in files]
        readers = list[threading.Thread]()
        for file_id, own in zip(files, seen, strict=True):
            arguments = (service, service.create(file_id), way, case.lines, own)
            readers.append(threading.Thread(target=follow, args=arguments, daemon=True))
            readers[-1].start()
        for reader in readers:
            reader.join()
        answers = httpx.get(f"{mock.url}/__answers", timeout=60).json()
    each = [lags(own, texts, answers) for own, texts in zip(seen, prompts, strict=True)]
    every = [1000 * lag for own in each for lag in own]
    first = 1000 * max(own[0] for own in each)
    p95 = statistics.quantiles(every, n=20)[-1]
    took = max(at[-1] for at in seen) - min(answers.values())
    rate = len(every) / took
    return [case.name, way, *(round(figure) for figure in (rate, first, statistics.median(every), p95, max(every)))]


async def serve(latency_ms: float) -> None:
    async with running(upstream=NotingUpstream(Behaviour(latency_ms=latency_ms))) as (url, _):
        print(f"Listening on {url}", flush=True)
        await asyncio.Event().wait()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=3_000, help="of a batch at full speed")
    parser.add_argument("--azurite", action="store_true", help="the stores of Azure, on the emulator")
    parser.add_argument("--mock", type=float, metavar="MS", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.mock is not None:
        with suppress(KeyboardInterrupt):
            asyncio.run(serve(options.mock))
        return
    cases = [
        Case(name="a trickle, one batch", batches=1, lines=TRICKLE_LINES, latency_ms=700, in_flight=2),
        Case(name="a trickle, four", batches=4, lines=TRICKLE_LINES, latency_ms=700, in_flight=8),
        Case(name="full speed, one batch", batches=1, lines=options.lines, latency_ms=20, in_flight=64),
        Case(name="full speed, four", batches=4, lines=options.lines, latency_ms=20, in_flight=64),
    ]
    rows = list[list[Cell]]()
    for case in cases:
        for way in WAYS:
            rows.append(measured(case, way, on_azurite=options.azurite))
            print(*rows[-1], f"load {load()}", flush=True)
    heads = ["", "read by", "lines/s", "first ms", "median ms", "p95 ms", "worst ms"]
    print_table(f"From an answer to its result, load {load()}", heads, rows)


if __name__ == "__main__":
    main(sys.argv[1:])
