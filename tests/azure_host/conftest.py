"""Azure's own host for tests: where it is missing they skip, but in CI they fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


Instances = Callable[..., Instance]


@contextmanager
def running(folder: Path) -> Iterator[tuple[Mock, Instances]]:
    """An upstream that answers after 50 ms, and what makes instances on one storage; all of it ends with the block."""
    made: list[Instance] = []
    upstream = Mock(folder, "--latency-ms", "50")
    upstream.start()
    with azurite.running(folder / "azurite.log") as storage:

        def make(**settings: object) -> Instance:
            made.append(instance := Instance(folder, upstream.url, storage, **settings))  # type: ignore[arg-type]
            return instance

        yield upstream, make
        for instance in made:
            if instance.process is not None and instance.process.poll() is None:
                instance.kill_all()
    upstream.stop()


@pytest.fixture
def cluster(azure_host: None, tmp_path: Path) -> Iterator[tuple[Mock, Instances]]:
    with running(tmp_path) as cluster:
        yield cluster


@pytest.fixture
def upstream(cluster: tuple[Mock, Instances]) -> Mock:
    return cluster[0]


@pytest.fixture
def instances(cluster: tuple[Mock, Instances]) -> Instances:
    return cluster[1]
