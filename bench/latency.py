"""How soon a batch begins and ends: `python -m bench.latency`.

From the create call to the first request that reaches the upstream, and from the upstream's last answer to
`completed`, as a client sees it. Both clocks are this machine's.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from bench.programs import ENDED, Mock, Service, chat_line, jsonl


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[3, 1000, 10000])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mock = Mock(Path(folder), "--latency-ms", "20")
        mock.start()
        service = Service(Path(folder), mock.url)
        service.start()
        try:
            one_round(service, mock, 3)  # warm
            print(f"{'lines':>6} {'create to first request s':>26} {'last answer to completed s':>27}")
            for lines in options.lines:
                rounds = [one_round(service, mock, lines) for _ in range(options.rounds)]
                first, last = (statistics.median(values) for values in zip(*rounds, strict=True))
                print(f"{lines:>6} {first:>26.3f} {last:>27.3f}")
        finally:
            service.stop()
            mock.stop()


if __name__ == "__main__":
    main()
