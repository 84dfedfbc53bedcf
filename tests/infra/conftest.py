"""The compiler, where it is installed."""

from __future__ import annotations

import os

import pytest

from tests.infra.compiler import MISSING, find


@pytest.fixture(scope="session")
def compiler() -> None:
    """Without the Bicep compiler: a skip, but in CI a failure."""
    if find() is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
