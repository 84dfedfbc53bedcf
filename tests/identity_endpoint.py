"""The managed identity endpoint of App Service and Functions, on loopback: hands out tokens, remembers who asked.

Protocol: GET IDENTITY_ENDPOINT?resource=…&api-version=2019-08-01&client_id=…, with the header X-IDENTITY-HEADER.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

HEADER = "loopback-only"
ISSUER = "https://sts.windows.net/11111111-2222-3333-4444-555555555555/"  # One that Azurite takes.


class IdentityEndpoint:
    """`life_seconds` is that of the next tokens; a `status` other than 200 fails, `hang_seconds` delays."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.life_seconds = 3600
        self.status = 200
        self.hang_seconds = 0.0
        self.url = ""

    def answer(self, query: dict[str, str], header: str | None) -> tuple[int, dict[str, str]]:
        self.asked.append(query)
        time.sleep(self.hang_seconds)
        if header != HEADER:
            return 401, {"message": "wrong X-IDENTITY-HEADER"}
        if self.status != 200:
            return self.status, {"message": "no identity today"}
        now = int(time.time())
        claims = {"aud": query["resource"], "iss": ISSUER, "iat": now, "nbf": now, "exp": now + self.life_seconds}
        return 200, {
            "access_token": f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part({**claims, 'number': len(self.asked)})}.x",
            "expires_on": str(now + self.life_seconds),
            "resource": query["resource"],
            "token_type": "Bearer",
            "client_id": query.get("client_id", ""),
        }


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityEndpoint]:
    """The endpoint, and the environment that the platform gives an app with an identity."""
    endpoint = IdentityEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            status, content = endpoint.answer(query, self.headers.get("X-IDENTITY-HEADER"))
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/msi/token"
    monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint.url)
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    yield endpoint
    server.shutdown()
    thread.join()
    server.server_close()


def _part(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
