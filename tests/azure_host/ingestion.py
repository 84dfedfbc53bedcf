"""An ingestion endpoint of Azure Monitor on loopback, for tests: takes what exporters send, says yes, and counts.

Answers `/v2.1/track` as Azure does, compressed or not, an array or an item a line (the .NET SDK's), and the pings of
live metrics, which nobody watches here.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ABOUT_EXPORTING = (
    "azure.monitor", "opentelemetry", "Transmission succeeded", "Request URL:", "Response status:", "/v2.1/track", "QuickPulse"
)  # fmt: skip


@dataclass
class Ingestion:
    """What came. Without `accepts`, every POST is refused as of an identity that may not publish."""

    url: str = ""
    accepts: bool = True
    posts: list[float] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """Environment of a worker that exports to here, and to nowhere else."""
        key = "00000000-0000-0000-0000-000000000000"
        return {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={key};IngestionEndpoint={self.url};LiveEndpoint={self.url}",
            "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
            "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
            "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
        }

    def since(self, at: float) -> int:
        """POSTs since a time of `time.monotonic`."""
        return sum(post >= at for post in list(self.posts))

    def messages(self) -> list[str]:
        """Texts of the log lines."""
        return [item["data"]["baseData"]["message"] for item in self._of("MessageData")]

    def actions(self) -> Counter[str]:
        """Of log lines and exceptions, the `action` of those that have one."""
        found = [item["data"]["baseData"].get("properties") or {} for item in self._of("MessageData", "ExceptionData")]
        return Counter(properties["action"] for properties in found if "action" in properties)

    def dependencies(self) -> set[str]:
        """Names of spans."""
        return {item["data"]["baseData"]["name"] for item in self._of("RemoteDependencyData")}

    def total(self, metric: str) -> float:
        """Sum of a counter over all that came."""
        points = [point for item in self._of("MetricData") for point in item["data"]["baseData"]["metrics"]]
        return sum(point["value"] for point in points if point["name"] == metric)

    def about_exporting(self, since: int = 0) -> list[dict[str, Any]]:
        """Log lines and spans about telling, not about the service, from a place in `items` on."""
        texts = [(item, json.dumps(item["data"])) for item in self.events(since)]
        return [item for item, text in texts if any(sign in text for sign in ABOUT_EXPORTING)]

    def events(self, since: int = 0) -> list[dict[str, Any]]:
        """All but metrics: those come by the clock, whatever happens."""
        return [item for item in self.items[since:] if item["data"]["baseType"] != "MetricData"]

    def _of(self, *kinds: str) -> list[dict[str, Any]]:
        return [item for item in list(self.items) if item["data"]["baseType"] in kinds]

    def take(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a POST."""
        if not path.endswith("/track"):
            return 200, b""
        self.posts.append(time.monotonic())
        if not self.accepts:
            return 403, b"{}"
        items = json.loads(body) if body.startswith(b"[") else [json.loads(line) for line in body.splitlines()]
        self.items.extend(items)
        answer = {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}
        return 200, json.dumps(answer).encode()


def _handler(ingestion: Ingestion) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            packed = self.headers.get("content-encoding") == "gzip"
            status, answer = ingestion.take(self.path.partition("?")[0], gzip.decompress(body) if packed else body)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.send_header("x-ms-qps-subscribed", "false")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing: this program counts."""

    return Handler


@contextmanager
def ingesting(*, accepts: bool = True) -> Iterator[Ingestion]:
    """An endpoint that answers until the block is left."""
    ingestion = Ingestion(accepts=accepts)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(ingestion))
    server.daemon_threads = True
    ingestion.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield ingestion
    finally:
        server.shutdown()
        server.server_close()
