"""The issuer on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import entra_issuer


@pytest.fixture
def issuer() -> Iterator[entra_issuer.Issuer]:
    with entra_issuer.running() as running:
        yield running
