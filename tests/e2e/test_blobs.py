"""Blob in, blob out, as Microsoft's how-to does it (contract 1.5.5, 2.5), in the storage emulator."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from azure.storage.blob import ContainerClient

from bench.programs import ENDED, KEY, Mock, Service, chat_line, jsonl


@dataclass
class Box:
    """A container of the caller's, and the service that may reach it."""

    service: Service
    container: ContainerClient

    @property
    def url(self) -> str:
        return str(self.container.url)

    def put(self, name: str, data: bytes) -> str:
        self.container.upload_blob(name, data, overwrite=True)
        return f"{self.url}/{name}"

    def get(self, url: str) -> bytes:
        name = url.removeprefix(f"{self.url}/")
        return bytes(self.container.download_blob(name).readall())

    def lines(self, url: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.get(url).splitlines()]

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.service.url}/openai/v1/", api_key=KEY)

    def run(self, input_blob: str, folder: str | None = None, **wait: Any) -> dict[str, Any]:
        """The batch when it has ended."""
        with self.client() as client:
            batch = client.batches.create(
                input_file_id=None,
                endpoint="/chat/completions",
                completion_window="24h",
                extra_body={"input_blob": input_blob, "output_folder": {"url": folder or self.url}},
            )
            return self.wait(batch.id)

    def wait(self, batch_id: str) -> dict[str, Any]:
        until = time.monotonic() + 240
        with self.client() as client:
            while (batch := client.batches.retrieve(batch_id)).status not in ENDED:
                assert time.monotonic() < until, batch
                time.sleep(0.05)
        found: dict[str, Any] = batch.to_dict()
        return found


@pytest.fixture(scope="module", params=["local", "azurite"])
def live(
    request: pytest.FixtureRequest, azurite: str, tmp_path_factory: pytest.TempPathFactory, mock: Mock
) -> Iterator[Service]:
    """The local host on both kinds of stores; the emulator's account is listed as one of callers, once as one project's."""
    settings = dict(part.split("=", 1) for part in azurite.split(";"))
    host = settings["BlobEndpoint"].rpartition("/")[0]
    arguments = ["--azurite", azurite] if request.param == "azurite" else []
    bound = f"{host}=default" if request.param == "azurite" else host
    service = Service(tmp_path_factory.mktemp("blobs"), mock.url, *arguments, BATCH_BLOB_HOSTS=bound)
    service.environment = {**service.environment, "AzureWebJobsStorage": azurite}
    service.start()
    yield service
    service.stop()


@pytest.fixture
def box(live: Service, azurite: str) -> Iterator[Box]:
    with ContainerClient.from_connection_string(azurite, f"box-{uuid.uuid4().hex[:8]}") as container:
        container.create_container()
        yield Box(live, container)


def test_the_how_to(box: Box) -> None:
    """Input from a blob, results into the folder, no files; every field as contract 1.7 and 2.5 have it."""
    url = box.put("in.jsonl", jsonl(*(chat_line(n, "[[status=400]]" if n == 7 else None) for n in range(300))))
    batch = box.run(url, f"{box.url}/out")

    guid = batch["id"].removeprefix("batch_")
    assert (batch["status"], batch["errors"]) == ("completed", None)
    assert (batch["input_blob"], batch["input_file_id"], batch["metadata"]) == (url, None, None)
    assert (batch["output_file_id"], batch["error_file_id"]) == (None, None)
    assert batch["output_blob"] == f"{box.url}/out/{guid}/results.jsonl"
    assert batch["error_blob"] == f"{box.url}/out/{guid}/errors.jsonl"
    answered = [line["custom_id"] for line in box.lines(batch["output_blob"])]
    assert answered == [f"c{n}" for n in range(300) if n != 7]
    assert [line["custom_id"] for line in box.lines(batch["error_blob"])] == ["c7"]


def test_both_blobs_are_written_without_errors(box: Box) -> None:
    """The error blob is empty then (contract 2.5)."""
    batch = box.run(box.put("in.jsonl", jsonl(chat_line(1))))
    assert box.get(batch["error_blob"]) == b""


def test_a_bad_blob_fails_the_batch(box: Box) -> None:
    """As a bad file does; the addresses are filled all the same (contract 2.5)."""
    batch = box.run(box.put("in.jsonl", jsonl(chat_line(1)) + b"nonsense\n"))
    assert [(error["code"], error["line"]) for error in batch["errors"]["data"]] == [("invalid_json_line", 2)]
    assert batch["output_blob"].endswith("/results.jsonl")


def test_a_blob_that_cannot_be_read(box: Box) -> None:
    """Contract 3.4."""
    batch = box.run(f"{box.url}/none.jsonl")
    assert (batch["status"], batch["errors"]["data"][0]["code"]) == ("failed", "input_no_permissions")


def test_a_folder_that_cannot_be_written_loses_nothing(box: Box) -> None:
    """The results are files then, and the batch says why."""
    batch = box.run(box.put("in.jsonl", jsonl(chat_line(1))), f"{box.url}-none/out")
    assert (batch["status"], batch["errors"]["data"][0]["code"]) == ("completed", "output_no_permissions")
    assert [line["custom_id"] for line in box.service.lines(batch["output_file_id"])] == ["c1"]


def test_a_change_during_the_run_does_no_harm(box: Box) -> None:
    """The batch reads its own copy from validation on."""
    url = box.put("in.jsonl", jsonl(*(chat_line(n, f"[[latency=20]] b{n}") for n in range(2000))))
    with box.client() as client:
        body = {"input_blob": url, "output_folder": {"url": box.url}}
        batch = client.batches.create(
            input_file_id=None, endpoint="/chat/completions", completion_window="24h", extra_body=body
        )
        while client.batches.retrieve(batch.id).status == "validating":
            time.sleep(0.02)
    box.put("in.jsonl", b"something else\n")
    ended = box.wait(batch.id)

    assert (ended["status"], ended["request_counts"]["completed"]) == ("completed", 2000)
    assert len(box.lines(ended["output_blob"])) == 2000


def test_a_retry_reads_both_blobs(box: Box) -> None:
    """The failed lines become a file; the results go to the same folder."""
    url = box.put("in.jsonl", jsonl(*(chat_line(n, "[[status=400]]" if n == 7 else None) for n in range(20))))
    first = box.run(url)
    with box.client() as client:
        retry = client.post(f"/batches/{first['id']}/retry", cast_to=object)
    second = box.wait(retry["id"])  # type: ignore[index]

    assert (second["retry_of"], second["request_counts"]["total"]) == (first["id"], 1)
    assert [line["custom_id"] for line in box.lines(second["error_blob"])] == ["c7"]


def test_a_retry_of_a_changed_blob_is_refused(box: Box) -> None:
    """Its lines are not those that failed."""
    url = box.put("in.jsonl", jsonl(chat_line(1, "[[status=400]]")))
    first = box.run(url)
    box.put("in.jsonl", jsonl(chat_line(1, "other")))
    with box.client() as client, pytest.raises(openai.ConflictError, match="not the one any more"):
        client.post(f"/batches/{first['id']}/retry", cast_to=object)


def test_a_blob_can_be_validated(box: Box) -> None:
    """Without a copy, without a batch."""
    body = {"input_blob": box.put("in.jsonl", jsonl(chat_line(1), chat_line(2)))}
    body |= {"endpoint": "/chat/completions", "completion_window": "24h"}
    with box.client() as client:
        answer = client.post("/batches/validate", cast_to=object, body=body)
    assert (answer["valid"], answer["requests"], answer["input_file_id"]) == (True, 2, None)  # type: ignore[index]


def test_other_accounts_are_refused_when_the_batch_is_created(box: Box) -> None:
    """400, and nothing is asked of that account."""
    with pytest.raises(openai.BadRequestError, match="none of the storage accounts"):
        box.run("https://elsewhere.blob.core.windows.net/box/in.jsonl")


def test_other_dialects_see_the_batch(box: Box) -> None:
    """A record made through one dialect is readable through every other."""
    batch = box.run(box.put("in.jsonl", jsonl(chat_line(1))))
    with box.service.openai as client:
        seen = client.batches.retrieve(batch["id"]).to_dict()
    assert (seen["input_blob"], seen["output_blob"]) == (batch["input_blob"], batch["output_blob"])
