"""Whether the end-to-end tests ran in Azure's own host, too: one line in the report where they could not."""

from __future__ import annotations

import pytest

from tests import core_tools
from tests.e2e.conftest import HOSTS

MISSING = core_tools.missing()


@pytest.mark.skipif(MISSING is not None, reason=f"The end-to-end tests did not run in Azure's own host: {MISSING}")
def test_the_suite_runs_in_core_tools():
    """Every test that takes `service` has a run in it."""
    assert HOSTS[1] == "core_tools"
