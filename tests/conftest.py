"""Fixtures of every part of the suite."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import azurite as emulator

settings.register_profile("untimed", deadline=None)  # How long an example takes is the machine's doing.
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of an Azurite of this run. Without Azurite: a skip, but in CI a failure."""
    if not emulator.PROGRAM.exists():
        reason = "Azurite is not installed: run `npm ci`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with emulator.running(tmp_path_factory.mktemp("azurite") / "azurite.log") as connection_string:
        yield connection_string
