"""How fast an input file is validated: lines and megabytes per second of one pass, against a bare JSON decode.

    python bench/validate.py [--lines 50000] [--line-bytes 500] [--block-kib 4096]

Everything is in memory and in one thread, timed in CPU seconds; ratios hold from machine to machine, speeds do not. A
repetition measures every way once, so that a noisy neighbour meets all of them; the best of each is shown.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from shared.domain.batches.batch import Refused
from shared.domain.deployments.deployment import Deployment
from shared.domain.keys.model_access import ModelAccess
from shared.domain.lines.request_line import read_line, with_model
from shared.domain.usage.tokens import EstimatedTokens, TokenCounter, TokenMethod, TokenTally
from shared.domain.validation.input_scan import InputScan, ScanRules
from shared.domain.validation.line_rules import LineRules
from shared.domain.vendors.vendor import Vendor
from shared.exact_tokens import ExactTokens

CHAT = "/v1/chat/completions"
DEPLOYMENTS = {"small": Deployment(name="small", base_url="http://upstream")}
EVERY_MODEL = ModelAccess(project_id="default")
REPETITIONS = 5
PROSE = (
    "The service reads a question from every line of the file and asks for an answer, which it writes to another file "
    "in the same order; nothing is lost when a process ends, since every answer is in a journal before it is counted: "
    "3 lanes, 64 requests at once, 12.5 ms each (at the median). "
)


def exact() -> TokenCounter:
    return ExactTokens(TokenMethod.O200K_BASE)


def make_lines(count: int, line_bytes: int) -> list[bytes]:
    def line(number: int, text: str) -> bytes:
        messages = [{"role": "system", "content": "You answer in one sentence."}, {"role": "user", "content": text}]
        body = {"model": "small", "messages": messages, "max_tokens": 100}
        return msgspec.json.encode({"custom_id": f"request-{number:07d}", "method": "POST", "url": CHAT, "body": body})

    """Lines of prose, no two alike."""
    length = max(0, line_bytes - len(line(0, "")))
    prose = PROSE * (length // len(PROSE) + 2)
    return [line(number, prose[number % len(PROSE) :][:length]) for number in range(count)]


def rules(counter: Callable[[], TokenCounter]) -> ScanRules:
    return ScanRules(
        vendor=Vendor.OPENAI,
        endpoint=CHAT,
        deployments=DEPLOYMENTS,
        access=EVERY_MODEL,
        counter_for=lambda _: counter(),
        max_bytes=10**10,
        max_line_bytes=33_554_432,
        max_requests=10**9,
        max_embedding_inputs=10**9,
        max_reported_errors=100,
        chunk_lines=200,
        chunk_bytes=4_194_304,
    )


def scan(data: memoryview, block: int, counter: Callable[[], TokenCounter] = EstimatedTokens) -> None:
    scanned = InputScan(rules(counter))
    for start in range(0, len(data), block):
        scanned.feed(bytes(data[start : start + block]))
    outcome = scanned.finish()
    assert not isinstance(outcome, Refused), outcome


def check(lines: list[bytes]) -> None:
    checked = LineRules(vendor=Vendor.OPENAI, endpoint=CHAT, deployments=DEPLOYMENTS, access=EVERY_MODEL)
    for number, line in enumerate(lines):
        checked.check(line, number)


def each(function: Callable[[bytes], object], lines: list[bytes]) -> None:
    for line in lines:
        function(line)


def tally(bodies: list[bytes], counter: TokenCounter) -> None:
    tokens = TokenTally(counter)
    for body in bodies:
        tokens.add(body)
    tokens.take()


def seconds(function: Callable[[], object]) -> float:
    started = time.process_time()
    function()
    return time.process_time() - started


def huge_line(size: int) -> None:
    """One line of `size` bytes in pieces of 128 KiB."""
    scan(memoryview(make_lines(1, size)[0]), 131_072)


def blank_lines(megabytes: int = 198) -> None:
    """A file of nothing but lines with a blank on each."""
    scanned, block = InputScan(rules(EstimatedTokens)), b" \n" * 500_000
    for _ in range(megabytes):
        scanned.feed(block)
    scanned.finish()


def peak_bytes(data: memoryview, block: int) -> int:
    tracemalloc.start()
    scan(data, block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=50_000)
    parser.add_argument("--line-bytes", type=int, default=500)
    parser.add_argument("--block-kib", type=int, default=4096)
    arguments = parser.parse_args()
    lines = make_lines(arguments.lines, arguments.line_bytes)
    data = memoryview(b"\n".join(lines))
    bodies = [read_line(line).body for line in lines]
    block = arguments.block_kib * 1024
    print(f"the vocabulary: loaded in {seconds(lambda: exact().count(['a'])):.2f} s")
    ways: dict[str, Callable[[], object]] = {
        "bare msgspec.json.decode": lambda: each(msgspec.json.decode, lines),
        "the whole pass": lambda: scan(data, block),
        "the whole pass, exact tokens": lambda: scan(data, block, exact),
        "  of it: rules of the line": lambda: check(lines),
        "  of it: token estimate": lambda: tally(bodies, EstimatedTokens()),
        "  of it: exact tokens": lambda: tally(bodies, exact()),
        "read_line": lambda: each(read_line, lines),
        "with_model": lambda: each(lambda body: with_model(body, "another"), bodies),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(REPETITIONS):
        for name, way in ways.items():
            best[name] = min(best[name], seconds(way))
    bare = best["bare msgspec.json.decode"]
    print(f"{len(lines):,} lines of about {len(lines[0])} bytes, {len(data) / 1e6:.1f} MB")
    for name, took in best.items():
        speeds = (
            f"{len(data) / took / 1e6:7.0f} MB/s {len(lines) / took:11,.0f} lines/s {took / len(lines) * 1e6:7.2f} µs"
        )
        print(f"{name:30} {speeds} {took / bare:6.2f} x bare")
    print(f"one line of 30 MB in 128 KiB pieces: {seconds(lambda: huge_line(30_000_000)):.2f} s")
    print(f"198 MB of blank lines with white space: {seconds(blank_lines):.2f} s")
    print(f"memory held at the most by the pass: {peak_bytes(data, block) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
