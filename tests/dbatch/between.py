"""What may stand between the program and its service: it writes down every call, and can lose the answer to one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.scripts.smoking import listening

_HOP = {
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "content-encoding",
    "accept-encoding",
    "date",
    "server",
}


@dataclass(frozen=True, slots=True)
class Call:
    """`fields` are the keys of a JSON body; of any other body there are none."""

    method: str
    path: str
    query: dict[str, list[str]]
    fields: dict[str, Any]


@dataclass
class Between:
    """`lose(call)` says whether its answer is lost once the service has it; `drop` are headers that do not get through."""

    service: str
    url: str = ""
    calls: list[Call] = field(default_factory=list)
    lose: Callable[[Call], bool] = lambda _: False
    refuse: Callable[[Call], tuple[int, str] | None] = lambda _: None
    change: Callable[[Call, Any], Any] = lambda _, answer: answer
    drop: frozenset[str] = frozenset()


@contextmanager
def between(service: str, **behaviour: Any) -> Iterator[Between]:
    found = Between(service, **behaviour)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = _call(self.command, self.path, self.headers.get("Content-Type") or "", body)
            found.calls.append(call)
            if refused := found.refuse(call):
                error = {"error": {"message": refused[1], "type": "invalid_request_error", "param": None, "code": None}}
                self._answer(refused[0], json.dumps(error).encode(), {"content-type": "application/json"})
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP | found.drop}
            url = f"{found.service}{self.path}"
            answer = httpx.request(self.command, url, content=body, headers=headers, timeout=60)
            if found.lose(call):
                self.close_connection = True
                return
            data, kept = answer.content, {name: value for name, value in answer.headers.items() if name not in _HOP}
            if "json" in answer.headers.get("content-type", ""):
                data = json.dumps(found.change(call, answer.json())).encode()
            self._answer(answer.status_code, data, kept)

        def do_GET(self) -> None:
            self.do_POST()

        def do_DELETE(self) -> None:
            self.do_POST()

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with listening(Handler) as found.url:
        yield found


def _call(method: str, target: str, content_type: str, body: bytes) -> Call:
    parts = urlsplit(target)
    fields = json.loads(body) if body and "json" in content_type else {}
    return Call(method, parts.path, parse_qs(parts.query), fields)


def creates_batch(call: Call) -> bool:
    return (call.method, call.path) == ("POST", "/v1/batches")
