"""The service around an activity: real local stores in a folder of the test, a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from local_host.stores.stores import open_stores
from shared.answer_room import Share
from shared.domain.deployments.deployment import Deployment
from shared.domain.upstream.upstream import UpstreamAnswer, UpstreamRequest
from shared.services import Services, use
from shared.settings import Settings
from tests.contracts.samples import START
from tests.fake_receivers import FakeReceivers


class NoUpstream:
    """For activities that must not call one."""

    async def send(self, request: UpstreamRequest, share: Share | None = None) -> UpstreamAnswer:
        raise AssertionError(f"called {request.url}")

    async def close(self) -> None: ...


class Clock:
    """Stands still, or advances by `step` at every look."""

    def __init__(self) -> None:
        self.at = START + timedelta(minutes=1)
        self.step = timedelta()

    def __call__(self) -> datetime:
        self.at += self.step
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receivers() -> FakeReceivers:
    return FakeReceivers()


@pytest.fixture
async def service(tmp_path: Path, clock: Clock, receivers: FakeReceivers) -> AsyncIterator[Services]:
    """Deployment `small` takes 100 enqueued tokens, `free` any number."""
    stores = open_stores(tmp_path)
    small = Deployment(name="small", base_url="http://upstream", enqueued_token_limit=100)
    free = Deployment(name="free", base_url="http://upstream")
    settings = Settings(chunk_lines=2, lanes=2, deployments={"small": small, "free": free})
    built = Services(
        settings=settings,
        stores=stores,
        upstream=NoUpstream(),
        webhook_sender=receivers,
        now=clock,
    )
    with use(built):
        yield built
    await stores.close()


def with_settings(service: Services, **changes: object) -> Services:
    return replace(service, settings=replace(service.settings, **changes))
