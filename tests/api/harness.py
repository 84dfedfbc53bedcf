"""What the tests of the HTTP edge share: fakes of what is not ours, and the app's own functions."""

from __future__ import annotations

import dataclasses
import runpy
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from api.mounts import MOUNTS
from local_host.app.function_index import FunctionIndex, HttpFunction, index
from shared.answer_room import Share
from shared.domain.upstream.upstream import UpstreamAnswer, UpstreamRequest

KEY = "test-key"
ROOT = Path(__file__).parents[2]
BLOCK_BYTES = 1024
MAX_FILE_BYTES = 10_000
LINE = b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}\n'


class FakeClient:
    """A durable client that remembers what it was asked to start."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str | None, Any]] = []
        self.error: Exception | None = None

    async def start_new(self, name: str, instance_id: str | None = None, client_input: Any | None = None) -> str:
        if self.error:
            raise self.error
        self.started.append((name, instance_id, client_input))
        return instance_id or ""

    async def get_status_by(self, *, instance_id_prefix: str) -> list[Any]:
        if self.error:
            raise self.error
        return []


class NoUpstream:
    """The HTTP edge calls no upstream."""

    async def send(self, request: UpstreamRequest, share: Share | None = None) -> UpstreamAnswer:
        raise AssertionError("the API called an upstream")

    async def close(self) -> None: ...


class Clock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **interval: float) -> None:
        self.now += timedelta(**interval)


@cache
def app_index() -> FunctionIndex:
    """The functions of a fresh copy of the app: an app can be indexed once only."""
    return index(runpy.run_path(str(ROOT / "function_app.py"))["app"])


def handler_names() -> set[str]:
    """Of every route of every dialect."""
    return {route.handler.__name__ for mount in MOUNTS for route in mount.all_routes}


def with_client(function: HttpFunction, client: FakeClient) -> HttpFunction:
    """The function with `client` in place of the durable client that the platform would build."""
    if function.client_parameter is None:
        return function
    inner: Callable[..., Awaitable[Any]] = function.call.client_function
    name = function.client_parameter

    async def call(req: Any) -> Any:
        return await inner(req=req, **{name: client})

    return dataclasses.replace(function, call=call, client_parameter=None)
