"""Webhooks: a test event, and if this program may listen, the events of the batches with their signatures.

The endpoint is made for this run and deleted at its end. Its secret is never printed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Collection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from smoke_call import CheckFailed, call, expect, message

MOST_BYTES = 65536
EVENT_SECONDS = 75.0  # The timer that starts deliveries looks every half minute; a first attempt may fail.
HOW = "give --webhook URL, an address of yours that answers 2xx; with --webhook-port PORT this program is what receives"
_NOT_REACHED = (
    "The service must reach the URL: https, a public address, no redirect. docs/api.md, Webhooks, has what it allows."
)
_LATE = (
    "The deliveries' timer does not run, or the receiver is not this program: see docs/operations.md, and whether the "
    "function start_deliveries is enabled."
)


class Receiver:
    """Listens until closed; keeps what came with a right signature, and counts what came with a wrong one."""

    def __init__(self, port: int) -> None:
        self.secret = ""
        self.batch_ids: set[str] = set()
        self.forged = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MOST_BYTES))
                self.send_response(receiver.take(dict(self.headers.items()), body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)  # What speaks TLS stands before it.
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """The status to answer."""
        if not self.secret or not _signed(self.secret, {name.lower(): value for name, value in headers.items()}, body):
            self.forged += 1
            return 400
        self.batch_ids.add(str(json.loads(body)["data"]["id"]))
        return 204

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class SmokeWebhook:
    """The endpoint of this run."""

    def __init__(self, http: httpx.Client, key: str, url: str, port: int | None) -> None:
        self._http, self._headers, self._url = http, {"Authorization": f"Bearer {key}"}, url
        self._receiver = Receiver(port) if port is not None else None
        self._endpoint_id = ""
        self._tested = False

    def start(self) -> None:
        """Make the endpoint, before the batches whose ends it is to be told of. Raises CheckFailed."""
        new = {"name": "smoke", "url": self._url, "event_types": ["batch.completed", "batch.failed"]}
        made = expect(self._call("POST", "/v1/webhook_endpoints", json=new), 200, 201).json()
        self._endpoint_id = made["id"]
        if self._receiver:
            self._receiver.secret = made["signing_secret"]

    def check(self, batch_ids: Collection[str]) -> str:
        """The test event, then the events of `batch_ids`, which have ended. Raises CheckFailed."""
        path = f"/v1/webhook_endpoints/{self._endpoint_id}/test"
        answer = self._call("POST", path, json={"event_type": "batch.completed"})
        if answer.status_code != 200:
            raise CheckFailed(f"the test event: {message(answer)}", _NOT_REACHED)
        if self._receiver is None:
            return "a test event was taken; ends of batches were not watched (--webhook-port)"
        return self._await(self._receiver, set(batch_ids))

    def close(self) -> str | None:
        if self._receiver:
            self._receiver.close()
        if not self._endpoint_id:
            return None
        answer = self._call("DELETE", f"/v1/webhook_endpoints/{self._endpoint_id}")
        return None if answer.status_code == 200 else f"not deleted: {self._endpoint_id}"

    def _await(self, receiver: Receiver, wanted: set[str]) -> str:
        begun = time.monotonic()
        while not wanted <= receiver.batch_ids and time.monotonic() - begun < EVENT_SECONDS:
            time.sleep(0.2)
        if receiver.forged:
            raise CheckFailed(f"{receiver.forged} calls with a wrong signature", "Another sends to this URL: take one.")
        if missing := wanted - receiver.batch_ids:
            raise CheckFailed(f"{len(missing)} of {len(wanted)} ends of batches were not told", _LATE)
        return f"a test event and the ends of {len(wanted)} batches came, rightly signed"

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return call(self._http, method, path, headers=self._headers, **options)


def _signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """By the rules of Standard Webhooks, written here anew: the service must not judge itself."""
    text = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(wanted, given) for given in headers.get("webhook-signature", "").split())
