"""autobatcher, unmodified: it makes batches of single calls, and follows a running one by its output file."""

from __future__ import annotations

import json
import subprocess

import pytest

from bench.programs import KEY, ROOT, Service
from tests.e2e.clients.conftest import HERE, program_of

RELEASES = sorted(path.stem for path in (ROOT / "requirements-clients").glob("autobatcher-*.txt"))


@pytest.mark.parametrize("release", RELEASES)
def test_calls_are_answered_while_their_batch_runs(service: Service, release: str) -> None:
    """Each with its own answer, and some before the others are done; also in Azure's own host."""
    command = [*program_of(release), HERE / "autobatcher_flow.py", service.url, KEY]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    assert f"autobatcher-{seen['version']}" == release
    assert (seen["answered"], seen["wrong"]) == (1000, 0)
    assert 0 < seen["answered_before_the_end"] < 1000
