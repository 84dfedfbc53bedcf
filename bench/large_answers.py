"""Peak memory and time with many large answers at once: `python -m bench.large_answers --answers 64 --megabytes 60`.

All are asked for at the same moment. What one activity worker holds should stay near its budget of answer bytes
(`BATCH_MAX_INFLIGHT_RESPONSE_BYTES`), however many there are, and all of them end in the output file.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.memory import Peak
from bench.programs import Service, chat_line, jsonl

PIECE = b"x" * 1_000_000


class Large(BaseHTTPRequestHandler):
    """Answers every request with so many megabytes of JSON."""

    protocol_version = "HTTP/1.1"
    megabytes = 60

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        head, tail = b'{"model":"m","choices":[{"message":{"content":"', b'"}}],"usage":{"prompt_tokens":1}}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(head) + self.megabytes * len(PIECE) + len(tail)))
        self.end_headers()
        for piece in (head, *[PIECE] * self.megabytes, tail):
            self.wfile.write(piece)

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=64)
    parser.add_argument("--megabytes", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=900.0, help="wait no longer for the end")
    options = parser.parse_args()
    Large.megabytes = options.megabytes
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Large)
    upstream.daemon_threads = True
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        url = f"http://127.0.0.1:{upstream.server_address[1]}"
        service = Service(Path(folder), url, deployment={"max_concurrency": options.answers})
        service.start()
        peak = Peak(service)
        try:
            file_id = service.upload(jsonl(*[chat_line(number) for number in range(options.answers)]))
            began = time.monotonic()
            batch = service.wait(service.create(file_id), seconds=options.seconds, pause=0.5)
            took = time.monotonic() - began
            counts = batch.request_counts
            print(
                f"{options.answers} answers of {options.megabytes} MB: {counts.completed} completed, {counts.failed} "
                f"failed in {took:.0f} s; at most {peak.stop():.0f} MiB in all, {peak.worst_mib:.0f} in one process"
            )
        finally:
            service.stop()
            upstream.shutdown()


if __name__ == "__main__":
    main()
