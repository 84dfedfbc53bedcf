"""Azure's own host for tests: where it is missing they skip, but in CI they fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.programs import Mock
from tests import azurite, core_tools
from tests.azure_host.instance import Instance


@pytest.fixture(scope="session")
def azure_host() -> None:
    if reason := core_tools.missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Mock]:
    """Answers after 50 ms."""
    program = Mock(tmp_path, "--latency-ms", "50")
    program.start()
    yield program
    program.stop()


Instances = Callable[..., Instance]


@pytest.fixture
def instances(azure_host: None, tmp_path: Path, upstream: Mock) -> Iterator[Instances]:
    """Makes instances on one storage; whatever a test leaves running is ended."""
    made: list[Instance] = []
    with ExitStack() as running:
        storage = running.enter_context(azurite.running(tmp_path / "azurite.log"))

        def make(**settings: object) -> Instance:
            made.append(instance := Instance(tmp_path, upstream.url, storage, **settings))  # type: ignore[arg-type]
            return instance

        yield make
        for instance in made:
            if instance.process is not None and instance.process.poll() is None:
                instance.kill_all()
