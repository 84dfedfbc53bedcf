"""A disk that is full for a while holds a batch up, and costs it nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from shared.domain.batches.batch import Status
from tests.azurite import ROOT
from tests.faults.full_disk import LINES


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("disk")
    program = [sys.executable, "-m", "tests.faults.full_disk", str(folder)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_disk_was_full(outcome: Any) -> None:
    """The limit reaches the stores: a write is refused as `Unavailable`."""
    assert outcome["was_full"]


def test_every_line_is_there_once(outcome: Any) -> None:
    """When there is room again the batch completes, each custom_id once and in order."""
    assert (Status.COMPLETED, LINES) == (outcome["status"], outcome["completed"])
    assert [f"c{number}" for number in range(1, LINES + 1)] == outcome["custom_ids"]


def test_no_answer_is_thrown_away(outcome: Any) -> None:
    """Answers that could not be written wait in memory: no request is sent twice."""
    assert 0 == outcome["asked_again"]
