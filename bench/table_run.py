"""A table of 10,000 rows to answers by `dbatch run`, beside a bare batch: `python -m bench.table_run [--rows 10000]`.

Both against the same service and mock, in turn: bare is upload, create, wait and download by the SDK, of the same
requests, made beforehand. The share is what the program adds: reading, joining, writing, its start and its state.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from bench.programs import KEY, ROOT, Mock, Service, chat_line, jsonl
from bench.report import print_table

ROUNDS = 3


def bare(service: Service, data: bytes) -> float:
    """Seconds."""
    began = time.perf_counter()
    batch = service.wait(service.create(service.upload(data)))
    with service.openai as client:
        client.files.content(batch.output_file_id).read()
    return time.perf_counter() - began


def by_table(service: Service, table: Path, out: Path) -> tuple[float, float]:
    """Seconds, and the most memory of the program in MiB."""
    environment = {**os.environ, "OPENAI_BASE_URL": f"{service.url}/v1", "OPENAI_API_KEY": KEY}
    files = [str(table), "--out", str(out)]
    command = [sys.executable, "-m", "dbatch", "run", *files, "--model", "m", "--prompt", "{{text}}", "--fresh"]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        with suppress(psutil.Error):  # It may end just now.
            peak = max(peak, psutil.Process(process.pid).memory_info().rss)
        time.sleep(0.05)
    took = time.perf_counter() - began
    assert process.returncode == 0, process.returncode
    return took, peak / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        mock = Mock(Path(folder))
        mock.start()
        service = Service(Path(folder), mock.url)
        service.start()
        data = jsonl(*(chat_line(number) for number in range(rows)))
        table = Path(folder) / "q.csv"
        with table.open("w", newline="") as file:
            csv.writer(file).writerows([["id", "text"], *([n, f"question {n}"] for n in range(rows))])
        bares, runs, peaks = [], [], []
        try:
            for _ in range(ROUNDS):
                bares.append(bare(service, data))
                took, peak = by_table(service, table, Path(folder) / "a.csv")
                runs.append(took)
                peaks.append(peak)
        finally:
            service.stop()
            mock.stop()
    one, other = statistics.median(bares), statistics.median(runs)
    print_table(
        "A table to answers, beside a bare batch",
        ["rows", "bare batch s", "dbatch run s", "run / bare", "program MiB"],
        [[f"{rows:,}", f"{one:.1f}", f"{other:.1f}", f"{other / one:.2f}", f"{max(peaks):.0f}"]],
    )


if __name__ == "__main__":
    main()
