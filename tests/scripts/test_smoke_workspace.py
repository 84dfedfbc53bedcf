"""`scripts/smoke --workspace`: the alerts' queries, and what the service tells while it idles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench.programs import KEY
from tests.scripts.smoking import flat, gateway, listening, smoke, verdicts


class Workspace(NamedTuple):
    """A workspace's query interface, and a folder with an `az` that gives its token."""

    url: str
    path: Path
    asked: list[str]


@pytest.fixture
def workspace(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Workspace]:
    """`request.param` answers a query: its status, and its body."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/workspaces/some-id/query"
            assert self.headers["Authorization"] == "Bearer the-token"
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["query"])
            status, body = request.param(asked[-1])
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    az = tmp_path / "bin" / "az"
    az.parent.mkdir()
    az.write_text("#!/bin/sh\necho the-token\n")
    az.chmod(0o755)
    with listening(Handler) as url:
        yield Workspace(url, az.parent, asked)


def rows(*values: float) -> tuple[int, dict[str, Any]]:
    return 200, {"tables": [{"rows": [list(values)]}]}


def quiet(query: str) -> tuple[int, dict[str, Any]]:
    return rows(0) if "Transmission" in query else rows(60, 12)


def flooded(query: str) -> tuple[int, dict[str, Any]]:
    return rows(90000) if "Transmission" in query else rows(60, 20000)


def chatty(query: str) -> tuple[int, dict[str, Any]]:
    return rows(0) if "Transmission" in query else rows(60, 301)


def broken(query: str) -> tuple[int, dict[str, Any]]:
    reason = {"message": "'where' operator: Failed to resolve column named 'Nmae'"}
    return (400, {"error": {"message": "bad", "innererror": {"innererror": reason}}}) if "AppEx" in query else rows(0)


def closed(_query: str) -> tuple[int, dict[str, Any]]:
    return 403, {"error": {"message": "no access"}}


@pytest.mark.parametrize(
    ("workspace", "queries", "idle", "said"),
    [
        (quiet, "OK", "OK", "12 rows in a quiet minute"),
        (flooded, "OK", "FAILED", "90,000 rows of an hour are about exporting rows"),
        (chatty, "OK", "FAILED", "301 rows in a quiet minute"),
        (broken, "FAILED", "FAILED", "alert-exceptions.kql: 'where' operator: Failed to resolve column named 'Nmae'"),
        (closed, "FAILED", "FAILED", "the workspace answers 403: no access"),
    ],
    indirect=["workspace"],
)
def test_the_workspace_is_asked(workspace, queries, idle, said):
    """Every alert's query is tried, and the quiet minutes are counted; the token is not printed."""
    with gateway((200, b"{}")) as url:
        run = smoke(url, KEY, "--workspace", "some-id", "--log-api", workspace.url, path=workspace.path)
    found = verdicts(run.stdout)

    assert (found["alert queries"], found["idle telemetry"]) == (queries, idle)
    assert said in flat(run.stdout)
    assert "the-token" not in run.stdout + run.stderr


def test_without_az_the_workspace_is_not_asked(tmp_path):
    """It says what to install."""
    with gateway((200, b"{}")) as url:
        run = smoke(url, KEY, "--workspace", "some-id", path=tmp_path)

    assert verdicts(run.stdout)["alert queries"] == "FAILED"
    assert "Install the Azure CLI" in run.stdout
