"""Peak memory of the service while a large file is uploaded, run and downloaded: `python -m bench.memory`.

Memory of the host and its workers, summed, sampled ten times a second. On Linux pages that processes share count once
(proportional set size), elsewhere in each. A flat figure from the small file to the large one is the point.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path

import httpx
import psutil

from bench.programs import KEY, Mock, Program, Service, chat_line

MIB = 1024 * 1024


def memory_bytes(process: psutil.Process) -> int:
    full = process.memory_full_info()
    return int(getattr(full, "pss", full.rss))


class Peak:
    """Samples the process tree of a program until stopped."""

    def __init__(self, program: Program) -> None:
        assert program.process is not None
        self._root = psutil.Process(program.process.pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.mib = 0.0
        self.host_mib = 0.0
        self.worst_mib = 0.0  # of one process
        self._thread.start()

    def _sample(self) -> None:
        while not self._stop.wait(0.1):
            sizes = []
            for process in [self._root, *self._root.children(recursive=True)]:
                try:
                    sizes.append(memory_bytes(process) / MIB)
                except psutil.Error:
                    continue
            self.mib = max(self.mib, sum(sizes))
            self.host_mib = max(self.host_mib, sizes[0])
            self.worst_mib = max(self.worst_mib, *sizes)

    def stop(self) -> float:
        self._stop.set()
        self._thread.join()
        return self.mib


def write_input(path: Path, size_mib: int, lines: int) -> None:
    filler = "x" * (size_mib * MIB // lines - 180)
    with path.open("w") as file:
        for number in range(lines):
            file.write(json.dumps(chat_line(number, f"question {number} {filler}")) + "\n")


def one_size(folder: Path, size_mib: int, lines: int) -> None:
    mock = Mock(folder, "--latency-ms", "5")
    mock.start()
    service = Service(folder, mock.url, deployment={"max_concurrency": 128})
    service.start()
    time.sleep(2)
    source = folder / f"{size_mib}.jsonl"
    write_input(source, size_mib, lines)
    try:
        idle = Peak(service)
        time.sleep(0.5)
        idle.stop()
        peak = Peak(service)
        headers = {"Authorization": f"Bearer {KEY}"}
        with source.open("rb") as body, httpx.Client(base_url=service.url, headers=headers, timeout=600) as client:
            files = {"file": ("input.jsonl", body)}
            file_id = client.post("/v1/files", data={"purpose": "batch"}, files=files).raise_for_status().json()["id"]
            uploaded = peak.mib
            batch = service.wait(service.create(file_id), seconds=900)
            ran = peak.mib
            size = 0
            with client.stream("GET", f"/v1/files/{batch.output_file_id}/content") as response:
                for piece in response.iter_bytes():
                    size += len(piece)
        assert batch.request_counts.completed == lines, batch
        print(
            f"{size_mib:>5} MiB {lines:>7} lines: idle {idle.mib:.0f}, upload {uploaded:.0f}, run {ran:.0f}, "
            f"download {peak.stop():.0f} MiB (host process alone {peak.host_mib:.0f}); output {size / MIB:.0f} MiB"
        )
    finally:
        service.stop()
        mock.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 200], help="MiB of the input files")
    parser.add_argument("--bytes-per-line", type=int, default=8192)
    options = parser.parse_args()
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            one_size(Path(folder), size, size * MIB // options.bytes_per_line - 1)


if __name__ == "__main__":
    main()
