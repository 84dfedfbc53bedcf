"""A live service in front of a mock upstream, once for all tests that do not break it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.programs import Mock, Service
from tests import core_tools


@pytest.fixture(scope="session")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    program = Mock(tmp_path_factory.mktemp("mock"))
    program.start()
    yield program
    program.stop()


HOSTS = [
    "local",
    *([] if core_tools.missing() else ["core_tools"]),
    "azurite",
]  # test_core_tools.py says what is missing.
# The first two are both kinds of stores, and both hosts where Core Tools are: what a fact depends on, each once.
# The third is what the others leave, the local host on Azurite: for the flows of every client.
everywhere = pytest.mark.parametrize("service", HOSTS, indirect=True, scope="session")


@pytest.fixture(scope="session", params=HOSTS[:2])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mock: Mock) -> Iterator[Service]:
    """The local host on its own stores, then Azure's own host; on Azurite where Core Tools are not installed."""
    azurite = ["--azurite", request.getfixturevalue("azurite")] if request.param == "azurite" else []
    start = core_tools.CoreTools if request.param == "core_tools" else Service
    program = start(
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
