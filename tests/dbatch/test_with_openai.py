"""A server in OpenAI's shape: it refuses calls and fields that OpenAI's own SDK does not know, and answers nothing of ours."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai.types import Batch, Model, batch_create_params, batch_list_params, file_list_params, upload_create_params

from bench.programs import Service, chat_line, jsonl
from tests.dbatch.between import Between, Call, between
from tests.dbatch.running import dbatch

CALLS = {
    "GET": r"/v1/(models|files|files/[^/]+|files/[^/]+/content|batches|batches/[^/]+)",
    "POST": r"/v1/(files|uploads|uploads/[^/]+/parts|uploads/[^/]+/complete|batches|batches/[^/]+/cancel)",
    "DELETE": r"/v1/files/[^/]+",
}
FIELDS = {"/v1/batches": batch_create_params.BatchCreateParams, "/v1/uploads": upload_create_params.UploadCreateParams}
QUERIES = {"/v1/batches": batch_list_params.BatchListParams, "/v1/files": file_list_params.FileListParams}


def _known(table: dict[str, Any], path: str) -> set[str]:
    return set(typing.get_type_hints(table[path])) if path in table else {"part_ids", "md5"}


def refusal(call: Call) -> tuple[int, str] | None:
    """As OpenAI words it."""
    if not re.fullmatch(CALLS[call.method], call.path):
        return 404, f"Invalid URL ({call.method} {call.path})"
    unknown = [*(call.fields.keys() - _known(FIELDS, call.path)), *(call.query.keys() - _known(QUERIES, call.path))]
    return (400, f"Unknown parameter: '{unknown[0]}'.") if unknown else None


def of_openai(_: Call, answer: Any) -> Any:
    """Without what only our service tells."""
    if answer.get("object") == "list":
        return {**answer, "data": [of_openai(_, each) for each in answer["data"]]}
    model: Any = {"batch": Batch, "model": Model}.get(answer.get("object"))
    return {key: value for key, value in answer.items() if model is None or key in model.model_fields}


@pytest.fixture
def openai_itself(service: Service) -> Iterator[Between]:
    drop = frozenset({"idempotency-key", "x-stainless-retry-count"})
    with between(service.url, refuse=refusal, change=of_openai, drop=drop) as way:
        yield way


def refused(way: Between) -> list[Call]:
    return [call for call in way.calls if refusal(call)]


def test_nothing_is_sent_that_openai_does_not_know(openai_itself: Between, requests: Path, tmp_path: Path) -> None:
    """A whole job, and a run: everything works, and not one call has a field, parameter or path of our own."""
    url = openai_itself.url
    out, said = dbatch(url, "submit", requests, "--metadata", "team=blue", "--watch", exits=3)
    assert "4 of 5 requests answered" in said
    batch_id = out.strip()
    assert batch_id in dbatch(url, "list", "--metadata", "team=blue", "--status", "completed")[0]
    assert len(dbatch(url, "fetch", batch_id, "--csv")[0].splitlines()) == 6
    assert dbatch(url, "models")[0].splitlines()[0] == "model\towned by"
    (tmp_path / "q.csv").write_text("text\na\nb\nc\n")
    ask = ("--model", "m", "--prompt", "{{text}}", "--out", tmp_path / "a.csv", "--batch-requests", "2")
    dbatch(url, "run", tmp_path / "q.csv", *ask)

    assert (tmp_path / "a.csv").read_text() == "text,answer,error\na,echo: a,\nb,echo: b,\nc,echo: c,\n"
    assert refused(openai_itself) == []


def test_a_large_file_in_openais_parts(openai_itself: Between, tmp_path: Path) -> None:
    """Uploads are OpenAI's own call."""
    path = tmp_path / "large.jsonl"
    path.write_bytes(jsonl(*(chat_line(number, "x" * 1_000_000) for number in range(9))))
    dbatch(openai_itself.url, "submit", path)

    assert any(call.path == "/v1/uploads" for call in openai_itself.calls)
    assert refused(openai_itself) == []


def test_what_openai_has_not_is_said(openai_itself: Between, requests: Path) -> None:
    """In a sentence with what to do instead; a batch or file is not left behind."""
    url = openai_itself.url
    batch_id = dbatch(url, "submit", requests)[0].strip()
    _, said = dbatch(url, "pause", batch_id, exits=1)
    assert "cannot pause a batch: that is an extension of Durable Batch." in said
    assert f"`dbatch cancel {batch_id}` ends it" in said
    _, said = dbatch(url, "retry", batch_id, exits=1)
    assert "Submit those lines of its input again" in said
    _, said = dbatch(url, "check", requests, "--service", exits=1)
    assert "`dbatch submit` sends it" in said
    for option, field in (("--priority=low", "priority"), ("--callback-url=https://example.com", "callback_url")):
        _, said = dbatch(url, "submit", requests, option, exits=1)
        assert f"Unknown parameter: '{field}'." in said
    _, said = dbatch(url, "results", batch_id, exits=1)
    assert f"`dbatch watch {batch_id}`, then `dbatch fetch {batch_id}`." in said
    _, said = dbatch(url, "change", batch_id, "--window", "48h", exits=1)
    assert "It keeps the terms that it was created with." in said
    _, said = dbatch(url, "delete", batch_id, "--yes", exits=1)
    assert "Its files and its record stay until they expire." in said

    paths = [call.path.rsplit("/", 1)[1] for call in refused(openai_itself)]
    assert paths == ["pause", "retry", "validate", "batches", "batches", "results", batch_id, batch_id]
