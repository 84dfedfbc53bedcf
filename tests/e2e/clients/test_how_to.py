"""The vendors' how-to pages work as they are written, in every release of the SDKs (`how_to.py`, `how_to.mjs`)."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from bench.programs import KEY, Service, chat_line, jsonl
from tests.e2e.clients.conftest import Run
from tests.e2e.clients.test_conformance import RELEASES

PYTHON = [release for release in RELEASES if release != "npm"]


@pytest.mark.parametrize("release", RELEASES)
def test_openais_guide(run_script: Run, release: str) -> None:
    """Upload, create, poll, download, cancel and list, as in OpenAI's Batch guide."""
    seen = run_script(release, "how_to.mjs" if release == "npm" else "how_to.py")["openai_guide"]

    assert {"request-1": "Hello world!", "request-2": "Hello again!"}.keys() == seen["answers"].keys()
    assert "Hello world!" in seen["answers"]["request-1"]
    assert ("completed", {"description": "nightly eval job"}) == (seen["status"], seen["metadata"])
    assert (2, True) == (seen["downloaded"], seen["listed"])
    assert seen["cancelled"] in ("cancelling", "cancelled")


@pytest.mark.parametrize("release", PYTHON)
@pytest.mark.parametrize(
    ("flow", "answers"),
    [
        ("azure_how_to", {"task-0": "When was Microsoft founded?", "task-1": "What is Basic?"}),
        ("azure_how_to_for_responses", {"task-0": "When was Microsoft founded, and by whom?"}),
    ],
)
def test_microsofts_page(run_script: Run, release: str, flow: str, answers: dict[str, str]) -> None:
    """Files and results that expire after 14 days, the loop that knows `canceled`, both files, an empty error file."""
    seen = run_script(release, "how_to.py")[flow]

    assert ("completed", 13, "", True) == (seen["status"], seen["days"], seen["errors"], seen["listed"])
    assert answers.keys() == seen["answers"].keys()
    assert all(question in seen["answers"][custom_id] for custom_id, question in answers.items())


def test_microsofts_page_for_curl(live: Service) -> None:
    """Dotted fields, a part of type `application/json`, `api-key`, no `api-version` (contract 1.5.1)."""
    with httpx.Client(base_url=f"{live.url}/openai/v1", headers={"api-key": KEY}, timeout=60) as curl:
        form = {"purpose": "batch", "expires_after.seconds": "1209600", "expires_after.anchor": "created_at"}
        part = {"file": ("test.jsonl", jsonl(chat_line(0, "What is Altair Basic?")), "application/json")}
        file = curl.post("/files", data=form, files=part).json()
        body: dict[str, Any] = {
            "input_file_id": file["id"],
            "endpoint": "/chat/completions",
            "completion_window": "24h",
            "output_expires_after": {"anchor": "created_at", "seconds": 1_209_600},
        }
        batch = curl.post("/batches", json=body).json()
        while batch["status"] not in ("completed", "failed"):
            time.sleep(0.1)
            batch = curl.get(f"/batches/{batch['id']}").json()
        lines = curl.get(f"/files/{batch['output_file_id']}/content").text.splitlines()

    assert ("processed", 1_209_600) == (file["status"], file["expires_at"] - file["created_at"])
    assert ["c0"] == [json.loads(line)["custom_id"] for line in lines]


def test_microsofts_filtered_list(live: Service) -> None:
    """`$filter` on time and status, `$orderby`, in a preview version (contract 1.5.6)."""
    done = live.run(jsonl(chat_line(0)))
    # The page's own helper writes the filter so: a time in epoch seconds, a capitalised status.
    query = {
        "api-version": "2025-03-01-preview",
        "$filter": f"created_at gt {int(time.time()) - 8 * 3600} and status eq 'Completed'",
        "$orderby": "created_at asc",
    }
    found = httpx.get(
        f"{live.url}/openai/batches", params=query | {"limit": "100"}, headers={"api-key": KEY}, timeout=60
    ).json()

    times = [batch["created_at"] for batch in found["data"]]
    assert times == sorted(times)
    assert {"completed"} == {batch["status"] for batch in found["data"]}
    assert found["has_more"] or done.id in [batch["id"].replace("-", "") for batch in found["data"]]
