"""One browser and one service for all tests of the page; each has a window of its own.

They end with this package: the browser's driver has an event loop in this thread, beside which no asynchronous test runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import httpx
import openai
import pytest
from playwright.sync_api import Browser

from bench.programs import KEY, Mock, Service
from tests.page import browser as browsers
from tests.page.browser import Visitor


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Without it: a skip, but in CI a failure."""
    if browsers.program() is None:
        reason = "Chromium is not installed: run scripts/test once, or apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with browsers.running() as found:
        yield found


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A local host before a mock upstream that takes 20 ms to answer."""
    mock = Mock(tmp_path_factory.mktemp("mock"), "--latency-ms", "20")
    mock.start()
    program = Service(
        tmp_path_factory.mktemp("service"),
        mock.url,
        deployment={"price": {"currency": "USD", "input": 0.25, "output": 2.0}, "max_concurrency": 4},
        BATCH_COMPLETION_WINDOWS="24h,7d",
        BATCH_MAX_ATTEMPTS="1",
        BATCH_HEARTBEAT_SECONDS="0.5",
    )
    program.start()
    yield program
    program.stop()
    mock.stop()


@pytest.fixture
def visit(browser: Browser, service: Service) -> Iterator[Callable[..., Visitor]]:
    """A visitor with the options of a window that are given; nobody may leave with a complaint of the browser."""
    visitors: list[Visitor] = []

    def come(**options: object) -> Visitor:
        visitors.append(Visitor(browser, service.url, **options))
        return visitors[-1]

    yield come
    complaints = [each for visitor in visitors for each in visitor.complaints()]
    for visitor in visitors:
        visitor.context.close()
    assert complaints == []


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    return visit()


@pytest.fixture(scope="package")
def client(service: Service) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key=KEY, timeout=60) as found:
        yield found


@pytest.fixture(scope="package")
def http(service: Service) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as found:
        yield found
