"""A batch's life by `dbatch`, as a script runs it, against a live service."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from pathlib import Path

import pytest

from bench.programs import Service, chat_line, jsonl
from tests.dbatch.running import PROGRAM, dbatch, environment


def _files(service: Service) -> set[str]:
    """Inputs: results of what other tests left running may come at any moment."""
    with service.openai as client:
        return {file.id for file in client.files.list(purpose="batch")}


def test_a_batch_from_file_to_table(service: Service, requests: Path, tmp_path: Path) -> None:
    """Checked, submitted, watched, listed, fetched, retried: ids and data on standard output, words beside it."""
    before = _files(service)
    out, said = dbatch(service.url, "check", requests, "--service")
    assert out == ""
    assert "5 requests" in said
    assert "The service takes it: about" in said
    assert _files(service) == before

    out, said = dbatch(service.url, "submit", requests, "--metadata", "team=red", "--priority", "low")
    batch_id = out.strip()
    assert re.fullmatch(r"batch_\w+", batch_id)
    assert f"Next: dbatch watch {batch_id}" in said
    out, said = dbatch(service.url, "watch", batch_id, exits=3)
    assert "4 of 5 requests answered" in said
    assert "1 x invalid_request_error, such as 'c3': You asked for 400." in said
    assert f"dbatch retry {batch_id}" in said
    assert "\x1b" not in said

    out, _ = dbatch(service.url, "list", "--metadata", "team=red", "--status", "completed", "--model", "m")
    assert out.splitlines()[1].split("\t")[0:1] + out.splitlines()[1].split("\t")[2:] == [
        *(batch_id, "completed, 4 of 5", "5", "1", "m")
    ]
    out, said = dbatch(service.url, "fetch", batch_id)
    assert [json.loads(line)["custom_id"] for line in out.splitlines()] == ["c0", "c1", "c2", "c4"]
    assert "1 failed and are not in it" in said
    out, _ = dbatch(service.url, "fetch", batch_id, "--errors")
    assert [json.loads(line)["custom_id"] for line in out.splitlines()] == ["c3"]
    table = tmp_path / "answers.csv"
    dbatch(service.url, "fetch", batch_id, "--csv", "--out", table)
    rows = {row["custom_id"]: row for row in csv.DictReader(io.StringIO(table.read_text()))}
    assert rows["c0"]["answer"] == "echo: question 0"
    assert rows["c3"]["error"] == "You asked for 400."
    assert list(tmp_path.glob("*.partial")) == []

    _, said = dbatch(service.url, "retry", batch_id, "--code", "server_error", exits=1)
    assert "Those it has: invalid_request_error." in said
    out, _ = dbatch(service.url, "retry", batch_id, "--code", "invalid_request_error", "--watch", exits=3)
    with service.openai as client:
        assert client.batches.retrieve(out.strip()).to_dict()["retry_of"] == batch_id


def test_all_answered_is_exit_code_0(service: Service, tmp_path: Path) -> None:
    """Of `submit --watch`."""
    path = tmp_path / "requests.jsonl"
    path.write_bytes(jsonl(chat_line(1)))
    _, said = dbatch(service.url, "submit", path, "--watch")

    assert "completed, 1 of 1 request answered." in said


def test_pause_resume_cancel(service: Service, tmp_path: Path) -> None:
    """Each says what is so now and what comes next; what cannot be is refused with a reason."""
    path = tmp_path / "requests.jsonl"
    path.write_bytes(jsonl(*(chat_line(number, "[[latency=1000]]") for number in range(200))))
    batch_id = dbatch(service.url, "submit", path)[0].strip()

    _, said = dbatch(service.url, "fetch", batch_id, exits=1)
    assert f"Next: dbatch watch {batch_id}" in said
    _, said = dbatch(service.url, "pause", batch_id)
    assert f"On with it: dbatch resume {batch_id}" in said
    with service.openai as client:
        assert client.batches.retrieve(batch_id).to_dict()["paused_at"]
    dbatch(service.url, "resume", batch_id)
    _, said = dbatch(service.url, "cancel", batch_id)
    assert f"{batch_id} is cancel" in said
    service.wait(batch_id)
    _, said = dbatch(service.url, "cancel", batch_id, exits=1)
    assert re.search(rf"{batch_id} has ended already: cancelled, \d+ of 200", said)
    _, said = dbatch(service.url, "pause", batch_id, exits=1)
    assert "409" in said


def test_usage(service: Service, tmp_path: Path) -> None:
    """Requests and tokens by model, and what they cost together."""
    (tmp_path / "q.txt").write_text("one\n")
    dbatch(service.url, "run", tmp_path / "q.txt", "--model", "m", "--out", tmp_path / "a.csv")
    out, said = dbatch(service.url, "usage", "--days", "2")

    assert out.splitlines()[0] == "model\trequests\tinput tokens\toutput tokens\tcost"
    assert int(dict(line.split("\t")[:2] for line in out.splitlines())["m"].replace(",", "")) > 0
    assert re.search(r"Together [\d,]+\.\d{2,} USD in the last 2 days\.", said)


def test_models(service: Service) -> None:
    """Names first, for `cut -f1`; all of it as JSON."""
    out, _ = dbatch(service.url, "models")
    assert [line.split("\t")[0] for line in out.splitlines()] == ["model", "m", "s"]
    out, _ = dbatch(service.url, "models", "--json")
    assert json.loads(out.splitlines()[0])["price"]["currency"] == "USD"


def test_a_large_file_goes_in_parts(service: Service, tmp_path: Path) -> None:
    """Over 8 MB: what arrives is what was sent."""
    path = tmp_path / "large.jsonl"
    path.write_bytes(jsonl(*(chat_line(number, "x" * 1_000_000) for number in range(10))))
    out, _ = dbatch(service.url, "submit", path)

    with service.openai as client:
        file_id = client.batches.retrieve(out.strip()).input_file_id
        assert client.files.content(file_id).read() == path.read_bytes()


def _start_again(service: Service) -> None:
    """At the address that it had."""
    place = service.arguments.index("--port") + 1
    service.arguments[place] = service.url.rsplit(":", 1)[1]
    service.start()
    service.arguments[place] = "0"


def test_a_service_that_comes_back(service: Service, tmp_path: Path) -> None:
    """`watch` says that the service is away, and goes on when it is there again."""
    path = tmp_path / "requests.jsonl"
    path.write_bytes(jsonl(chat_line(1, "[[latency=3000]]")))
    command = [*PROGRAM, "submit", str(path), "--watch"]
    watching = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment(service.url)
    )
    assert watching.stderr is not None
    with watching.stderr as lines:
        said = lines.readline() + lines.readline()  # that it was created, and a first look
        service.kill()
        while "Trying again." not in said:
            said += lines.readline() or pytest.fail(said)
        _start_again(service)
        said += lines.read()

    assert watching.wait(60) == 0, said
    assert "1 of 1 request answered" in said
