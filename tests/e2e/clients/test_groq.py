"""Groq's SDK, unmodified, at the root of the service: its own addresses are those of Azure v1 (contract 6.8)."""

from __future__ import annotations

from typing import Any

import pytest

from bench.programs import ROOT
from tests.e2e.clients.conftest import Run
from tests.e2e.clients.test_conformance import DOCUMENTED

RELEASES = sorted(path.stem for path in (ROOT / "requirements-clients").glob("groq-*.txt"))


@pytest.fixture(params=RELEASES)
def seen(request: pytest.FixtureRequest, run_script: Run) -> Any:
    visit = run_script(request.param, "groq_flow.py")
    assert request.param == f"groq-{visit['version']}"
    return visit


def test_a_batch_from_upload_to_results(seen: Any) -> None:
    """Every key that its model has is there, with what the caller gave and what came of it."""
    whole = seen["whole"]
    assert (whole["file"]["purpose"], whole["file"]["filename"], whole["input"]) == ("batch", "in.jsonl", True)
    assert (whole["made"]["status"], whole["made"]["metadata"]) == ("validating", {"by": "groq"})
    assert whole["ended"].keys() >= DOCUMENTED
    assert (whole["ended"]["status"], whole["ended"]["endpoint"]) == ("completed", "/chat/completions")
    assert whole["ended"]["request_counts"] == {"total": 3, "completed": 2, "failed": 1}
    assert (whole["output"], whole["error"]) == (["c0", "c2"], ["c1"])


def test_lists(seen: Any) -> None:
    """They take no parameters but `extra_query`."""
    whole, lists = seen["whole"], seen["lists"]
    assert whole["made"]["id"] in lists["batches"]
    assert {whole["file"]["id"], whole["ended"]["output_file_id"]} <= set(lists["files"])
    assert (lists["info"]["id"], lists["limited"]) == (whole["file"]["id"], 1)


def test_cancel(seen: Any) -> None:
    """Each line is in one of the two files."""
    cancel = seen["cancel"]
    assert (cancel["answer"], cancel["ended"]) == ("cancelling", "cancelled")
    assert cancel["found"] == sorted(f"c{number}" for number in range(300))


def test_errors_and_deletion(seen: Any) -> None:
    """What there is not is its `NotFoundError`."""
    assert seen["errors"].keys() == {"batch", "file"}
    assert seen["delete"]["deleted"] is True
