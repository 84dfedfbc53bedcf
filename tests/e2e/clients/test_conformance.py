"""Unmodified clients, old and new, cannot tell the service from the vendors' (contract 1, 2, 6).

Every release visits once through every way of connecting that it has (`flow.py`, `flow.mjs`); each test looks at one
part of what it saw.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from bench.programs import ROOT
from tests.e2e.clients.conftest import Run

BASE62, HEX, UUID = "[0-9A-Za-z]{22}", "[0-9a-f]{32}", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How the answers to one kind of client differ (contract 5)."""

    created: int
    upload_id: str
    result_id: str
    batch_id: str
    endpoint: str
    url_clash: str
    line_keys: frozenset[str]
    batch_keys: frozenset[str]
    lifetime: int | None = 1_209_600  # of a file, in seconds; None where its version has no `expires_at` (contract 9.6)


ALL_KEYS = frozenset({"id", "custom_id", "response", "error"})
DOCUMENTED = frozenset(
    {
        *("id", "object", "endpoint", "errors", "input_file_id", "completion_window", "status", "metadata"),
        *("output_file_id", "error_file_id", "created_at", "in_progress_at", "expires_at", "finalizing_at"),
        *("completed_at", "failed_at", "expired_at", "cancelling_at", "cancelled_at", "request_counts"),
    }
)
OPENAI = Dialect(
    created=200,
    upload_id=f"file-{BASE62}",
    result_id=f"file-{BASE62}",
    batch_id=f"batch_{HEX}",
    endpoint="/v1/chat/completions",
    url_clash="invalid_url",
    line_keys=ALL_KEYS,
    batch_keys=DOCUMENTED | {"model", "usage"},
)
DEEPINFRA = Dialect(**{**vars(OPENAI), "upload_id": f"file_{BASE62}", "result_id": f"file_{BASE62}"})
AZURE = Dialect(
    created=200,
    upload_id=f"file-{HEX}",
    result_id=f"file-{UUID}",
    batch_id=f"batch_{UUID}",
    endpoint="/chat/completions",
    url_clash="url_mismatch",
    line_keys=ALL_KEYS - {"id"},
    batch_keys=DOCUMENTED,
    lifetime=None,
)
AZURE_PREVIEW = Dialect(**{**vars(AZURE), "created": 201, "lifetime": OPENAI.lifetime})
AZURE_V1 = Dialect(**{**vars(AZURE), "batch_keys": OPENAI.batch_keys, "lifetime": OPENAI.lifetime})
KINDS = {
    "openai": OPENAI,
    "azure": AZURE,
    "azure_preview": AZURE_PREVIEW,
    "azure_deployment": AZURE,
    "azure_v1": AZURE_V1,
    "azure_token": AZURE,
    "deepinfra": DEEPINFRA,
}
FEW = ("openai", "azure", "azure_v1")
RELEASES = [*sorted(path.stem for path in (ROOT / "requirements-clients").glob("openai-*.txt")), "npm"]
# The oldest and the newest visit in every way, those between and npm's in three.
KINDS_OF = {release: tuple(KINDS) if release in ("openai-1.30.0", "openai-newest") else FEW for release in RELEASES}
VISITS = [(release, kind) for release in RELEASES for kind in KINDS_OF[release]]


@dataclass(frozen=True)
class Visit:
    """What one client saw."""

    release: str
    kind: str
    seen: dict[str, Any]

    @property
    def dialect(self) -> Dialect:
        return KINDS[self.kind]

    @property
    def is_azure(self) -> bool:
        return self.kind.startswith("azure")

    def step(self, name: str) -> Any:
        assert "raised" not in (self.seen[name] or {}), self.seen[name]["raised"]
        return self.seen[name]


@pytest.fixture(params=VISITS, ids=[f"{release}-{kind}" for release, kind in VISITS])
def visit(request: pytest.FixtureRequest, run_script: Run) -> Visit:
    release, kind = request.param
    return Visit(release, kind, visited(run_script, release)["clients"][kind])


def lifetime(file: dict[str, Any]) -> int | None:
    """Seconds from its creation to its expiry; None without an expiry."""
    expires_at = file.get("expires_at")
    return expires_at - file["created_at"] if expires_at else None


def visited(run_script: Run, release: str) -> Any:
    return run_script(release, "flow.mjs" if release == "npm" else "flow.py", *KINDS_OF[release])


@pytest.mark.parametrize("release", [name for name in RELEASES if name[-1].isdigit()])
def test_releases_are_what_they_are_called(release: str, run_script: Run) -> None:
    """The environment of a release holds that release."""
    assert f"openai-{visited(run_script, release)['version']}" == release


def test_upload(visit: Visit) -> None:
    """As the dialect spells it, ready for `wait_for_processing`, expiring as asked in `extra_body` (contract 1.5.1)."""
    seen = visit.step("upload")

    file = seen["file"]
    assert re.fullmatch(visit.dialect.upload_id, file["id"])
    assert ("file", "input.jsonl", "batch") == (file["object"], file["filename"], file["purpose"])
    assert visit.dialect.lifetime == lifetime(file)
    assert ("processed", "processed") == (file["status"], seen["ready"])


def test_create(visit: Visit) -> None:
    """Status, ids, endpoint, metadata and deadline of a batch just made (contract 1.5.5, 1.7, 2.3)."""
    seen = visit.step("create")

    batch = seen["batch"]
    assert visit.dialect.created == seen["status"]
    assert re.fullmatch(visit.dialect.batch_id, batch["id"])
    assert ("batch", "validating", visit.dialect.endpoint) == (batch["object"], batch["status"], batch["endpoint"])
    assert ("24h", {"made": "by hand"}) == (batch["completion_window"], batch["metadata"])
    assert 86_400 == batch["expires_at"] - batch["created_at"]
    assert {"total": 0, "completed": 0, "failed": 0} == batch["request_counts"]


def test_request_id(visit: Visit) -> None:
    """`x-request-id` is in the header, and on the model in the releases that put it there (contract 1.2)."""
    seen = visit.step("create")

    assert re.fullmatch("req_[0-9a-f]{32}", seen["request_id"])
    assert seen["on_model"] == (None if visit.release == "openai-1.30.0" else seen["request_id"])


def test_every_key_of_a_batch_is_there(visit: Visit) -> None:
    """All keys, null or not, in a batch just made and in one that has ended (contract 9.1 no. 14)."""
    assert set() == visit.dialect.batch_keys - visit.step("create")["batch"].keys()
    assert set() == visit.dialect.batch_keys - visit.step("poll")["batch"].keys()


def test_results(visit: Visit) -> None:
    """Polling ends; 200s are in the output file, the 400 in the error file, `error: null` (contract 2.5, 4.1, 4.2)."""
    seen = visit.step("poll")

    assert "completed" == seen["batch"]["status"]
    assert {"total": 3, "completed": 2, "failed": 1} == seen["batch"]["request_counts"]
    assert ["c1", "c3"] == [line["custom_id"] for line in seen["output"]]
    assert [("c2", 400, None)] == [
        (line["custom_id"], line["response"]["status_code"], line["error"]) for line in seen["error"]
    ]
    assert {visit.dialect.line_keys} == {frozenset(line) for line in seen["output"] + seen["error"]}


def test_result_files(visit: Visit) -> None:
    """Both are `batch_output`, spelled as the dialect does; `output_expires_after` holds (contract 1.7, 2.6)."""
    seen = visit.step("poll")

    for file in (seen["output_file"], seen["error_file"]):
        assert re.fullmatch(visit.dialect.result_id, file["id"])
        assert "batch_output" == file["purpose"]
        assert visit.dialect.lifetime == lifetime(file)


def test_content(visit: Visit) -> None:
    """The uploaded bytes come back, read at once and streamed (contract 1.5.4)."""
    seen = visit.step("content")

    assert seen["same"]
    assert seen["bytes"] == seen["sent"]


def test_batches_page(visit: Visit) -> None:
    """Auto-paging ends and gives every batch once, newest first; `after` goes on where a page ended (contract 1.6)."""
    seen = visit.step("page_batches")

    newest = [*reversed(seen["made"]), visit.step("create")["batch"]["id"]]
    assert newest == seen["listed"][:4]
    assert newest == seen["pages"]
    assert len(seen["listed"]) == len(set(seen["listed"]))


def test_batches_page_asynchronously(visit: Visit) -> None:
    """The asynchronous client pages to the same batches."""
    seen = visit.step("page_batches")

    assert seen.get("async", seen["listed"]) == seen["listed"]


def test_files_are_listed(visit: Visit) -> None:
    """All input files, newest first, each once (contract 1.5.2)."""
    seen = visit.step("page_files")

    assert [*reversed(seen["made"]), visit.step("upload")["file"]["id"]] == seen["listed"][:4]
    assert len(seen["listed"]) == len(set(seen["listed"]))


def test_files_page(visit: Visit) -> None:
    """Page by page the same files, also where the dialect has no paging keys (contract 1.5.2, 1.6)."""
    seen = visit.step("page_files")

    # Files had one page only in this release.
    assert seen["paged"] == seen["listed"][: 2 if visit.release == "openai-1.30.0" else None]


def test_result_files_are_listed(visit: Visit) -> None:
    """Output and error files are found by their purpose (contract 9.1 no. 15)."""
    batch = visit.step("poll")["batch"]

    assert {batch["output_file_id"], batch["error_file_id"]} <= set(visit.step("page_files")["results"])


def test_requests_in_the_call(visit: Visit) -> None:
    """They run as those of a file, which they are by then; a problem names the request by its number (an extension).

    A request without a body has what all have, which here are no messages.
    """
    seen = visit.step("inline")

    assert ["c1", "c2"] == seen["custom_ids"]
    assert [("POST", "/v1/chat/completions", "m", 5)] * 2 == [
        (line["method"], line["url"], line["body"]["model"], line["body"]["max_tokens"]) for line in seen["input"]
    ]
    assert [["invalid_request", 3, "body.messages"]] == seen["errors"]


def test_cancel(visit: Visit) -> None:
    """200 `cancelling`, then `cancelled`, each request in one of the files; again: 200, unchanged (contract 2.2)."""
    seen = visit.step("cancel")

    assert ("cancelling", "cancelled", "cancelled") == (seen["answer"], seen["ended"], seen["again"])
    assert sorted(f"c{number}" for number in range(300)) == seen["custom_ids"]


def test_validation_failure(visit: Visit) -> None:
    """Every problem with 1-based line and parameter, in the vendor's codes (contract 3.2 to 3.4)."""
    seen = visit.step("fail")

    missing = "invalid_request" if visit.is_azure else "missing_required_parameter"
    assert "failed" == seen["status"]
    assert [
        [visit.dialect.url_clash, 2, "url"],
        [missing, 3, "method"],
        [missing, 3, "url"],
        [missing, 3, "body"],
    ] == seen["errors"]


# What, exception class, status, OpenAI's param and code, start of the message (contract 1.3).
REFUSALS = (
    ("unknown_batch", "NotFoundError", 404, None, None, "No batch found with id 'batch_none'."),
    ("unknown_batch_cancel", "NotFoundError", 404, None, None, "No batch found with id 'batch_none'."),
    ("unknown_file", "NotFoundError", 404, "id", None, "No such File object: file-none"),
    ("unknown_content", "NotFoundError", 404, "id", None, "No such File object: file-none"),
    ("cancel_ended", "ConflictError", 409, None, None, "Cannot cancel a batch with status 'completed'."),
    ("endpoint", "BadRequestError", 400, "endpoint", "invalid_value", "Invalid value: '/v1/invalid/endpoint'. Supported"),
    ("metadata", "BadRequestError", 400, "metadata.tags", "invalid_type", "Invalid type for 'metadata.tags': expected a"),
    ("extension", "BadRequestError", 400, None, None, "Invalid file format for Batch API. Must be .jsonl"),
    ("empty", "BadRequestError", 400, None, None, "Invalid file format for Batch API. Must be .jsonl"),
    ("purpose", "BadRequestError", 400, "purpose", None, "'vector_store' is not one of ['fine-tune', 'assistants', "),
    ("limit", "BadRequestError", 400, "limit", "integer_above_max_value", "Invalid 'limit': integer above maximum"),
)  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS, ids=[case[0] for case in REFUSALS])
def test_refusal(visit: Visit, case: tuple[str, str, int, str | None, str | None, str]) -> None:
    """The vendors' status, literal message, and in OpenAI's dialects `param`, `code` and `type` (contract 1.3)."""
    what, kind, status, param, code, message = case
    refusal = visit.step("errors")[what]

    assert (kind, status) == (refusal["class"], refusal["status"])
    assert refusal["message"].startswith(message)
    assert refusal["request_id"].startswith("req_")
    if not visit.is_azure:
        expected = (param, code, "invalid_request_error")
        assert expected == (refusal["param"], refusal["code"], refusal["type"])


def test_other_completion_windows(visit: Visit) -> None:
    """OpenAI refuses the call; Azure takes it and fails the batch (contract 1.5.5)."""
    refusal = visit.step("errors")["window"]

    if visit.is_azure:
        assert refusal is None
    else:
        assert (400, "Invalid value: '1h'. Supported values are: '24h'.") == (refusal["status"], refusal["message"])
        assert ("completion_window", "invalid_value") == (refusal["param"], refusal["code"])


def test_wrong_key(visit: Visit) -> None:
    """401 in every dialect (contract 1.3)."""
    refusal = visit.step("errors")["unauthenticated"]

    assert ("AuthenticationError", 401) == (refusal["class"], refusal["status"])


def test_cancelling_an_ended_batch_costs_one_call(visit: Visit) -> None:
    """`x-should-retry: false`: no SDK repeats the 409 (contract 6.5)."""
    refusal = visit.step("errors")["cancel_ended"]

    assert refusal.get("retries", 0) == 0
    assert refusal.get("took", 0) < 400  # The npm SDK tells no one of a retry; its first back-off is 375 ms or more.


def test_uploads(visit: Visit) -> None:
    """Parts become a file with their bytes in order; a batch reads it; another upload is cancelled (contract 1.5.8)."""
    seen = visit.step("uploads")

    if visit.release == "openai-1.30.0":
        assert seen is None
        return
    assert ("pending", "completed", "cancelled") == (seen["pending"], seen["completed"], seen["cancelled"])
    assert ("completed", True) == (seen["batch"], seen["same"])


def test_upload_in_chunks(visit: Visit) -> None:
    """`upload_file_chunked` in the releases that have it (contract 6.2)."""
    seen = visit.step("uploads") or {}

    assert seen.get("chunked", True)


def test_delete(visit: Visit) -> None:
    """Deleted, then unknown; a batch that has read the file stays as it was (contract 1.5.3)."""
    seen = visit.step("delete")

    file_id = visit.step("upload")["file"]["id"]
    assert {"id": file_id, "object": "file", "deleted": True} == seen["answer"]
    assert (404, f"No such File object: {file_id}") == (seen["again"]["status"], seen["again"]["message"])
    assert "completed" == seen["batch"]
