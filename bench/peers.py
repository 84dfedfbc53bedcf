"""Side by side on one mock: this service and what a user would pick instead: `python -m bench.peers [--quick]`.

Each peer runs in an environment of its own under `.bench/`, made at the first run; one that cannot be installed or
started is skipped with the reason. Three questions to each: how fast and at what cost, what 8 % bad answers do to it,
and what is paid twice after a kill -9 and the same command again.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.memory import Peak
from bench.peer_kinds import Outcome, Peer, Skipped, known_peers, request_lines
from bench.programs import Mock
from bench.report import print_table

CONCURRENCY = 64
LATENCY_MS = 50
BAD = ("--throttle", "0.05", "--error", "0.03", "--retry-after-seconds", "1", "--latency-ms", "20")
RUN_SECONDS = 180.0
AFTER_KILL_SECONDS = 60.0


def speed(peer: Peer, folder: Path, lines: int) -> dict[str, Any]:
    """Requests per second, CPU per line and peak memory of one run."""
    mock = Mock(folder, "--latency-ms", str(LATENCY_MS))
    mock.start()
    try:
        source = _input(folder, lines, peer.model)
        peer.start(folder, mock.url, CONCURRENCY)
        peer.begin(source)
        peak = Peak(peer.program)
        outcome = peer.finish(RUN_SECONDS)
        figures = _figures(outcome, lines)
        return {**figures, "peak_mib": peak.stop(), "connections": mock.stats()["connections"]}
    finally:
        peer.stop()
        mock.stop()


def bad_answers(peer: Peer, folder: Path, lines: int) -> dict[str, Any]:
    """The same with an upstream that refuses 5 % and fails 3 %."""
    mock = Mock(folder, *BAD)
    mock.start()
    try:
        source = _input(folder, lines, peer.model)
        peer.start(folder, mock.url, CONCURRENCY)
        peer.begin(source)
        outcome = peer.finish(RUN_SECONDS)
        return {"bad_seconds": outcome.seconds, "bad_completed": outcome.completed, "bad_failed": outcome.failed}
    finally:
        peer.stop()
        mock.stop()


def after_kill(peer: Peer, folder: Path, lines: int) -> dict[str, Any]:
    """kill -9 at half of the lines, then the same again: how it ended, and answers that were paid twice."""
    mock = Mock(folder, "--latency-ms", str(LATENCY_MS))
    mock.start()
    try:
        source = _input(folder, lines, peer.model)
        peer.start(folder, mock.url, CONCURRENCY)
        mock.reset()
        peer.begin(source)
        _wait_for(mock, lines // 2)
        peer.program.kill()
        time.sleep(0.2)
        peer.start(folder, mock.url, CONCURRENCY)
        ended = peer.go_on(AFTER_KILL_SECONDS)
        return {"kill_ended": ended, "kill_extra_answers": mock.stats()["extra_answers"], "kill_lines": lines}
    finally:
        peer.stop()
        mock.stop()


def _input(folder: Path, lines: int, model: str) -> Path:
    source = folder / "input.jsonl"
    source.write_bytes(request_lines(lines, model))
    return source


def _figures(outcome: Outcome, lines: int) -> dict[str, Any]:
    assert outcome.completed == lines, outcome
    return {
        "lines": lines,
        "per_second": lines / outcome.seconds,
        "cpu_ms": outcome.cpu_seconds / lines * 1e3,
    }


def _wait_for(mock: Mock, requests: int) -> None:
    until = time.monotonic() + RUN_SECONDS
    while mock.stats()["requests"] < requests:
        if time.monotonic() > until:
            raise Skipped(f"it did not send {requests} requests within {RUN_SECONDS:.0f} s")
        time.sleep(0.01)


Part = Callable[[Peer, Path, int], dict[str, Any]]


def one_peer(peer: Peer, lines: int) -> dict[str, Any]:
    """All three parts; a part that breaks says why, the others still count."""
    found: dict[str, Any] = {"peer": peer.name}
    parts: Sequence[tuple[Part, int]] = ((speed, lines), (bad_answers, lines // 4), (after_kill, lines // 2))
    try:
        peer.install()
    except Skipped as reason:
        return {**found, "skipped": str(reason)}
    for part, count in parts:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found |= part(peer, Path(folder), count)
            except (Skipped, AssertionError, OSError, subprocess.SubprocessError) as error:
                found.setdefault("skipped", f"{part.__name__}: {str(error)[-200:]}")
    return found


def run(*, quick: bool, names: Sequence[str] = ()) -> dict[str, Any]:
    """Measure and show; only the peers named, if any."""
    peers = [peer for peer in known_peers() if not names or peer.name in names]
    found = []
    for peer in peers:
        found.append(one_peer(peer, 1000 if quick else 2000))
        print(f"{peer.name}: {found[-1].get('skipped', 'measured')}", flush=True)
    heads = {
        "peer": "who",
        "per_second": "req/s",
        "cpu_ms": "CPU ms/line",
        "peak_mib": "peak MiB",
        "connections": "connections",
        "bad_seconds": "8 % bad: s",
        "bad_completed": "done",
        "bad_failed": "failed",
        "kill_ended": "after kill -9",
        "kill_extra_answers": "paid twice",
    }
    rows = [[one.get(key) for key in heads] for one in found]
    print_table(f"Side by side, {CONCURRENCY} in flight, {LATENCY_MS} ms", list(heads.values()), rows)
    return {"concurrency": CONCURRENCY, "latency_ms": LATENCY_MS, "peers": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("names", nargs="*", help="only these")
    options = parser.parse_args()
    run(quick=options.quick, names=options.names)


if __name__ == "__main__":
    main()
