"""How soon a batch begins and ends: `python -m bench.latency`.

From the create call to the first request that reaches the upstream, and from the upstream's last answer to
`completed`, as a client sees it. Both clocks are this machine's.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.programs import ENDED, Mock, Service, chat_line, jsonl
from bench.report import print_table, run_alone


def one_round(service: Service, mock: Mock, lines: int) -> tuple[float, float]:
    mock.reset()
    file_id = service.upload(jsonl(*(chat_line(n) for n in range(lines))))
    created = time.time()
    batch_id = service.create(file_id)
    with service.openai as client:
        while client.batches.retrieve(batch_id).status not in ENDED:
            time.sleep(0.01)
    ended = time.time()
    stats = mock.stats()
    return stats["first_request_at"] - created, ended - stats["last_answer_at"]


def measure(sizes: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """Medians for each size, in lines."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        mock = Mock(Path(folder), "--latency-ms", "20")
        mock.start()
        service = Service(Path(folder), mock.url)
        service.start()
        try:
            one_round(service, mock, 400)  # warm
            for lines in sizes:
                taken = [one_round(service, mock, lines) for _ in range(rounds)]
                first, last = (statistics.median(values) for values in zip(*taken, strict=True))
                found.append({"lines": lines, "create_to_first_request_s": first, "last_answer_to_completed_s": last})
        finally:
            service.stop()
            mock.stop()
    return found


def run(*, quick: bool) -> dict[str, Any]:
    """Measure and show."""
    found = measure((3, 1000, 10000), 2 if quick else 5)
    heads = ["lines", "create to first request s", "last answer to completed s"]
    print_table("How soon a batch begins and ends", heads, [list(one.values()) for one in found])
    return {"sizes": found}


if __name__ == "__main__":
    run_alone(run, __doc__)
