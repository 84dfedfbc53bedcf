"""API calls one after another on one kept connection: `python -m bench.calls [--quick]`.

On the loop that the local host runs on by itself, and on asyncio's own, as where uvloop is not installed. Medians and
worst of many calls; what a held-back packet costs (40 ms) shows at once.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.programs import KEY, Mock, Service, chat_line, jsonl
from bench.report import print_table, run_alone
from bench.transfer import BOUNDARY, HEAD, TAIL

HEADERS = {"Authorization": f"Bearer {KEY}"}
FORM = {**HEADERS, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
# A module of this name that cannot be imported stands before the installed one.
WITHOUT_UVLOOP = "raise ImportError\n"


class Connection:
    """One connection, on which calls wait for each other."""

    def __init__(self, service: Service) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)

    def call(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        self._connection.request(method, path, body, FORM if body else HEADERS)
        response = self._connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
        assert response.status == 200, answer
        return answer

    def close(self) -> None:
        self._connection.close()


def milliseconds(call: Callable[[], object], times: int) -> tuple[float, float]:
    """Median and worst."""
    taken = []
    for _ in range(times):
        since = time.perf_counter()
        call()
        taken.append((time.perf_counter() - since) * 1000)
    return statistics.median(taken), max(taken)


def on_one_connection(service: Service, times: int) -> list[tuple[str, float, float]]:
    small = HEAD + jsonl(chat_line(0)) + TAIL
    batch_id = service.run(jsonl(*(chat_line(number) for number in range(3)))).id
    connection = Connection(service)
    calls: dict[str, Callable[[], object]] = {
        "GET batch": lambda: connection.call("GET", f"/v1/batches/{batch_id}"),
        "upload of one line": lambda: connection.call("POST", "/v1/files", small),
        "list of batches": lambda: connection.call("GET", "/v1/batches?limit=20"),
    }
    try:
        for call in calls.values():
            call()
        return [(name, *milliseconds(call, times)) for name, call in calls.items()]
    finally:
        connection.close()


def measure(loop: str, times: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {}
        if loop == "asyncio":
            (folder / "uvloop.py").write_text(WITHOUT_UVLOOP)
            settings["PYTHONPATH"] = os.pathsep.join(filter(None, [name, os.environ.get("PYTHONPATH")]))
        mock = Mock(folder)
        mock.start()
        service = Service(folder, mock.url, **settings)
        service.start()
        try:
            found = on_one_connection(service, times)
        finally:
            service.stop()
            mock.stop()
    return [{"loop": loop, "call": call, "median_ms": median, "worst_ms": worst} for call, median, worst in found]


def run(*, quick: bool) -> dict[str, Any]:
    """Measure and show."""
    found = [cell for loop in ("uvloop", "asyncio") for cell in measure(loop, 50 if quick else 300)]
    heads = ["loop", "call", "median ms", "worst ms"]
    print_table("Calls on one connection", heads, [list(cell.values()) for cell in found])
    return {"calls": found}


if __name__ == "__main__":
    run_alone(run, __doc__)
