"""The eighteen traps of contract 9.1, one by one and in its order, in plain HTTP on a live service."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bench.programs import KEY, Mock, Service, chat_line, jsonl
from tests.e2e.caller import AZURE, AZURE_V1, CLASSIC, DEEPINFRA, DEPLOYMENT, OPENAI, Caller

MOUNTS = (OPENAI, DEEPINFRA, CLASSIC, AZURE_V1, DEPLOYMENT)
HEX, UUID = "[0-9a-f]{32}", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MIXED = jsonl(chat_line(1), chat_line(2, "[[status=400]] no"))
CLEAN = jsonl(chat_line(1))
Under = Callable[[str], Caller]


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, headers={"api-key": KEY}, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def under(http: httpx.Client) -> Under:
    return lambda mount: Caller(http, mount)


@pytest.fixture(scope="module")
def mixed(under: Under) -> dict[str, dict[str, Any]]:
    """By prefix, an ended batch of one good and one bad request."""
    return {mount: under(mount).run(MIXED) for mount in (OPENAI, CLASSIC, AZURE_V1)}


@pytest.fixture(scope="module")
def cancelled(under: Under) -> dict[str, Any]:
    """A cancelled batch of 300 requests that take a while; `cancelling` is how the first cancel was answered."""
    caller = under(OPENAI)
    slow = jsonl(*(chat_line(n, f"[[latency=300]] trap {n}") for n in range(300)))
    batch = caller.create(caller.upload(slow)["id"]).json()
    while not caller.call("GET", f"batches/{batch['id']}").json()["request_counts"]["completed"]:
        time.sleep(0.05)
    answer = caller.call("POST", f"batches/{batch['id']}/cancel")
    return {**caller.wait(batch["id"]), "cancelling": answer.json()["status"]}


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("path", ["files", "batches"])
def test_01_the_same_handlers_under_every_prefix(under: Under, mount: str, path: str) -> None:
    """`/v1`, `/openai`, `/openai/v1` and old SDKs' `/openai/deployments/{d}` all serve files and batches."""
    assert under(mount).call("GET", path).json()["object"] == "list"


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"api-key": KEY},
        {"authorization": f"Bearer {KEY}"},
        {"api-key": KEY, "authorization": f"Bearer {KEY}"},
        {"api-key": KEY, "authorization": "Bearer no-token"},
    ],
    ids=["api-key", "bearer", "both", "odd-bearer"],
)
def test_02_either_header_and_both(service: Service, mount: str, headers: dict[str, str]) -> None:
    """`api-key`, `Bearer`, and both at once, whatever the Bearer beside a valid `api-key` says."""
    response = httpx.get(
        f"{service.url}{mount}/files", params={"api-version": "2024-10-21"}, headers=headers, timeout=60
    )

    assert response.status_code == 200


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("spelling", ["expires_after[{}]", "expires_after.{}"])
def test_03_both_spellings_of_expiry(under: Under, mount: str, spelling: str) -> None:
    """Brackets and dots, with the seconds as text."""
    fields = {spelling.format("anchor"): "created_at", spelling.format("seconds"): "1209600"}
    file = under(mount).upload(CLEAN, **fields)

    assert file["expires_at"] - file["created_at"] == 1_209_600


@pytest.mark.parametrize("content", [b"", b"{", b'{"reason": "enough"}'])
def test_04_cancel_reads_no_body(under: Under, content: bytes) -> None:
    """SDKs announce JSON and send none; whatever comes is left unread."""
    caller = under(OPENAI)
    slow = jsonl(*(chat_line(n, f"[[latency=500]] body {n}") for n in range(50)))
    batch = caller.create(caller.upload(slow)["id"]).json()
    headers = {"content-type": "application/json"}
    response = caller.call("POST", f"batches/{batch['id']}/cancel", content=content, headers=headers)

    assert (response.status_code, response.json()["status"]) == (200, "cancelling")


@pytest.mark.parametrize("accept", ["application/binary", "application/json", "text/csv", ""])
def test_04_content_answers_any_accept(under: Under, accept: str) -> None:
    """Bytes, whatever `Accept` asks for."""
    caller = under(OPENAI)
    file = caller.upload(CLEAN)
    response = caller.call("GET", f"files/{file['id']}/content", headers={"accept": accept})

    assert (response.status_code, response.content) == (200, CLEAN)


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("path", ["files", "batches"])
def test_05_an_empty_page_at_the_end(under: Under, mixed: object, mount: str, path: str) -> None:
    """`after` the oldest item there is nothing: clients before 1.62 stop there and nowhere else."""
    caller = under(mount)
    after, pages = "", 0
    while data := caller.call("GET", path, params={"limit": 100, "after": after}).json()["data"]:
        after, pages = data[-1]["id"], pages + 1

    assert pages
    assert caller.call("GET", path, params={"after": after}).json()["data"] == []


@pytest.mark.parametrize("mount", [OPENAI, CLASSIC, AZURE_V1])
def test_06_lines_are_validated_later(under: Under, mount: str) -> None:
    """A file nobody knows: the create call succeeds, and the batch fails with `errors`."""
    caller = under(mount)
    response = caller.create("file-nonsense")
    batch = response.json()

    assert (response.status_code, batch["status"], batch["errors"]) == (
        201 if mount == CLASSIC else 200,
        "validating",
        None,
    )
    ended = caller.wait(batch["id"])
    assert (ended["status"], len(ended["errors"]["data"])) == ("failed", 1)
    assert ended["errors"]["data"][0]["message"].startswith("Cannot find file file-nonsense")


def test_07_all_errors_with_line_and_param(under: Under) -> None:
    """Every problem of every line, counted from 1, with paths such as `body.model`."""
    unknown = chat_line(2, body={"model": "nobody", "messages": []})
    stream = chat_line(3, body={"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
    ended = under(OPENAI).run(jsonl(chat_line(1), unknown, stream) + b"{oops\n" + jsonl(chat_line(1)))

    assert {(error["code"], error["param"], error["line"]) for error in ended["errors"]["data"]} >= {
        ("model_not_found", "body.model", 2),
        ("streaming_unsupported", "body.stream", 3),
        ("invalid_json_line", None, 4),
        ("duplicate_custom_id", "custom_id", 5),
    }


def test_08_http_failures_are_in_the_error_file(under: Under, mixed: dict[str, dict[str, Any]]) -> None:
    """With the whole answer, and `error: null`."""
    (line,) = under(OPENAI).lines(mixed[OPENAI]["error_file_id"])

    assert (line["custom_id"], line["response"]["status_code"], line["error"]) == ("c2", 400, None)
    assert line["response"]["body"]["error"]["message"]


def test_08_lines_that_never_ran_are_in_the_error_file(under: Under, cancelled: dict[str, Any]) -> None:
    """With `response: null` and the reason as `error.code`; with the output file each custom_id is there once."""
    error = under(OPENAI).lines(cancelled["error_file_id"])
    output = under(OPENAI).lines(cancelled["output_file_id"])

    assert {(line["response"], line["error"]["code"]) for line in error} == {(None, "batch_cancelled")}
    assert sorted(line["custom_id"] for line in output + error) == sorted(f"c{n}" for n in range(300))


def test_09_lines_that_never_ran_do_not_count(under: Under, cancelled: dict[str, Any]) -> None:
    """`completed + failed` is less than `total`."""
    finished = len(under(OPENAI).lines(cancelled["output_file_id"]))

    assert 0 < finished < 300
    assert cancelled["request_counts"] == {"total": 300, "completed": finished, "failed": 0}


def test_10_an_empty_file_is_null_at_openai(under: Under) -> None:
    """No error file where nothing failed, no output file where everything did."""
    clean, failed = under(OPENAI).run(CLEAN), under(OPENAI).run(jsonl(chat_line(1, "[[status=400]] no")))

    assert clean["output_file_id"]
    assert failed["error_file_id"]
    assert (clean["error_file_id"], failed["output_file_id"]) == (None, None)


@pytest.mark.parametrize("mount", [CLASSIC, AZURE_V1])
def test_10_azure_has_both_files(under: Under, mount: str) -> None:
    """The error file exists with zero bytes."""
    clean = under(mount).run(CLEAN)
    file = under(mount).call("GET", f"files/{clean['error_file_id']}").json()
    content = under(mount).call("GET", f"files/{clean['error_file_id']}/content")

    assert clean["output_file_id"]
    assert (file["bytes"], content.status_code, content.content) == (0, 200, b"")


@pytest.mark.parametrize("mount", MOUNTS)
def test_11_the_deadline_is_known_from_the_start(under: Under, mount: str) -> None:
    """`expires_at` is `created_at + 86400` in the answer to the create call."""
    batch = under(mount).create("file-nonsense").json()

    assert batch["expires_at"] - batch["created_at"] == 86_400


def test_11_only_openai_expires(under: Under) -> None:
    """With a window of 2 seconds: `expired` at OpenAI, run to the end at Azure."""
    slow = jsonl(*(chat_line(n, f"[[latency=600]] window {n}") for n in range(500)))
    batches = {}
    for mount in (OPENAI, CLASSIC):
        caller = under(mount)
        batches[mount] = (
            caller.create(caller.upload(slow)["id"], completion_window="2s").raise_for_status().json()["id"]
        )

    assert under(OPENAI).wait(batches[OPENAI])["status"] == "expired"
    ended = under(CLASSIC).wait(batches[CLASSIC])
    assert ended["status"] == "completed"
    assert ended["completed_at"] > ended["expires_at"]


@pytest.mark.parametrize("mount", [OPENAI, CLASSIC, AZURE_V1])
def test_12_cancelling_an_ended_batch(under: Under, mixed: dict[str, dict[str, Any]], mount: str) -> None:
    """409 that SDKs do not repeat, with the literal message."""
    response = under(mount).call("POST", f"batches/{mixed[mount]['id']}/cancel")

    assert (response.status_code, response.headers["x-should-retry"]) == (409, "false")
    assert response.json()["error"]["message"] == "Cannot cancel a batch with status 'completed'."


def test_12_cancelling_twice(under: Under, cancelled: dict[str, Any]) -> None:
    """200 each time, and nothing changes."""
    again = under(OPENAI).call("POST", f"batches/{cancelled['id']}/cancel")

    assert cancelled.pop("cancelling") == "cancelling"
    assert (again.status_code, again.json()) == (200, cancelled)


@pytest.mark.parametrize("mount", MOUNTS)
def test_13_files_are_processed(under: Under, mount: str) -> None:
    """`wait_for_processing` returns: the status is `processed` from the first answer on."""
    file = under(mount).upload(CLEAN)

    assert (file["status"], under(mount).call("GET", f"files/{file['id']}").json()["status"]) == ("processed",) * 2


@pytest.mark.parametrize("mount", MOUNTS)
def test_14_every_key_is_there(under: Under, mount: str) -> None:
    """Keys without a value are null, not absent; of Azure classic, those that its version has (contract 9.6)."""
    batch = under(mount).create("file-nonsense").json()

    assert {key for key, value in batch.items() if value is None} >= {
        *("output_file_id", "error_file_id", "errors", "metadata"),
        *(() if mount in (CLASSIC, DEPLOYMENT) else ("model",)),
        *(
            "in_progress_at",
            "finalizing_at",
            "completed_at",
            "failed_at",
            "expired_at",
            "cancelling_at",
            "cancelled_at",
        ),
    }


@pytest.mark.parametrize("mount", [OPENAI, CLASSIC, AZURE_V1])
def test_15_result_files_are_listed(under: Under, mixed: dict[str, dict[str, Any]], mount: str) -> None:
    """Both have the purpose `batch_output`, and both are in the list of files."""
    listed = {file["id"]: file["purpose"] for file in under(mount).call("GET", "files").json()["data"]}
    results = [mixed[mount]["output_file_id"], mixed[mount]["error_file_id"]]

    assert [listed.get(file_id) for file_id in results] == ["batch_output", "batch_output"]


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize(
    ("path", "key", "status"), [("files", KEY, 200), ("batches/batch_none", KEY, 404), ("files", "wrong", 401)]
)
def test_16_request_ids(under: Under, mount: str, path: str, key: str, status: int) -> None:
    """`x-request-id` on every answer of every dialect, `apim-request-id` as well on Azure's."""
    response = under(mount).call("GET", path, headers={"api-key": key})

    assert response.status_code == status
    assert re.fullmatch(f"req_{HEX}", response.headers["x-request-id"])
    assert bool(re.fullmatch(UUID, response.headers.get("apim-request-id", ""))) is (mount in AZURE)


def test_17_spelled_as_openai_does(under: Under, mixed: dict[str, dict[str, Any]]) -> None:
    """`/v1/…`, ids in hex and base62, lines with an `id`, request ids that are no UUIDs."""
    batch = mixed[OPENAI]
    (line,) = under(OPENAI).lines(batch["output_file_id"])

    assert batch["endpoint"] == "/v1/chat/completions"
    assert re.fullmatch(f"batch_{HEX}", batch["id"])
    assert re.fullmatch("file-[0-9A-Za-z]{22}", batch["output_file_id"])
    assert line["id"].startswith("batch_req_")
    assert not re.fullmatch(UUID, line["response"]["request_id"])


@pytest.mark.parametrize("mount", [CLASSIC, AZURE_V1])
def test_17_spelled_as_azure_does(under: Under, mixed: dict[str, dict[str, Any]], mount: str) -> None:
    """No `/v1`, ids and request ids as UUIDs, lines without an `id`."""
    batch = mixed[mount]
    (line,) = under(mount).lines(batch["output_file_id"])

    assert batch["endpoint"] == "/chat/completions"
    assert re.fullmatch(f"batch_{UUID}", batch["id"])
    assert re.fullmatch(f"file-{UUID}", batch["output_file_id"])
    assert "id" not in line
    assert re.fullmatch(UUID, line["response"]["request_id"])


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory, mock: Mock) -> Iterator[httpx.Client]:
    """A service whose deployment takes 100 enqueued tokens."""
    program = Service(tmp_path_factory.mktemp("crowded"), mock.url, deployment={"enqueued_token_limit": 100})
    program.start()
    with httpx.Client(base_url=program.url, headers={"api-key": KEY}, timeout=30) as client:
        yield client
    program.stop()


LARGE = jsonl(*(chat_line(n, "word " * 100) for n in range(5)))


def test_18_over_the_quota_at_openai(crowded: httpx.Client) -> None:
    """The batch is taken, and fails with `token_limit_exceeded`."""
    ended = Caller(crowded, OPENAI).run(LARGE)

    assert (ended["status"], ended["errors"]["data"][0]["code"]) == ("failed", "token_limit_exceeded")


@pytest.mark.parametrize("mount", [CLASSIC, AZURE_V1])
def test_18_over_the_quota_at_azure(crowded: httpx.Client, mount: str) -> None:
    """The call is refused with 400, and code and text both say `token_limit_exceeded`."""
    caller = Caller(crowded, mount)
    response = caller.create(caller.upload(LARGE)["id"])

    assert (response.status_code, response.json()["error"]["code"]) == (400, "token_limit_exceeded")
    assert "token_limit_exceeded" in response.json()["error"]["message"]


@pytest.mark.parametrize("mount", [CLASSIC, AZURE_V1])
def test_18_the_token_headers(crowded: httpx.Client, mount: str) -> None:
    """A batch that fits tells what is enqueued and how much may be."""
    caller = Caller(crowded, mount)
    response = caller.create(caller.upload(CLEAN)["id"])

    assert response.status_code == (201 if mount == CLASSIC else 200)
    assert 0 < int(response.headers["deployment-enqueued-tokens"]) <= 100
    assert response.headers["deployment-maximum-enqueued-tokens"] == "100"
