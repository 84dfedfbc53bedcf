"""A live service in front of a mock upstream, once for all tests that do not break it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.programs import Mock, Service


@pytest.fixture(scope="session")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    program = Mock(tmp_path_factory.mktemp("mock"))
    program.start()
    yield program
    program.stop()


@pytest.fixture(scope="session", params=["local", "azurite"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mock: Mock) -> Iterator[Service]:
    """The local host on its own stores, then on Azurite."""
    azurite = ["--azurite", request.getfixturevalue("azurite")] if request.param == "azurite" else []
    program = Service(
        tmp_path_factory.mktemp("service"),
        mock.url,
        *azurite,
        deployment={"request_timeout_seconds": 2},
        BATCH_COMPLETION_WINDOWS="24h,2s",
        BATCH_MAX_ATTEMPTS="2",
        BATCH_RETRY_FIRST_SECONDS="0.05",
        BATCH_HEARTBEAT_SECONDS="0.5",
        BATCH_DRAIN_SECONDS="1",
        BATCH_WEBHOOK_ALLOW_HTTP="true",
        BATCH_WEBHOOK_ALLOW_PRIVATE="true",
        BATCH_WEBHOOK_RETRY_SECONDS="1",
    )
    program.start()
    yield program
    program.stop()
