"""What only Durable Batch has, by `dbatch`: results as they come, other terms, callbacks, deletion; several at once."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import openai
import pytest

from bench.programs import Service, chat_line, jsonl
from tests.dbatch.running import PROGRAM, dbatch, environment
from tests.webhook_receiver import receiving


def submit(service: Service, path: Path, *lines: str, options: tuple[str, ...] = ()) -> str:
    path.write_bytes(jsonl(*(chat_line(number, text) for number, text in enumerate(lines))))
    return dbatch(service.url, "submit", path, *options)[0].strip()


def names(lines: str) -> list[str]:
    return [json.loads(line)["custom_id"] for line in lines.splitlines()]


SLOW = "[[latency=60000]]"


def test_results_are_followed(service: Service, tmp_path: Path) -> None:
    """In input order, failures too, the first of them while the batch runs; and to its end, whatever that is."""
    texts = [f"{'[[status=400]]' if number == 7 else ''} {number}" for number in range(39)]
    batch_id = submit(service, tmp_path / "a.jsonl", *texts, SLOW)
    reading = subprocess.Popen(
        [*PROGRAM, "results", batch_id], stdout=subprocess.PIPE, text=True, env=environment(service.url)
    )
    assert reading.stdout is not None
    with reading.stdout as lines:
        found = "".join(lines.readline() for _ in range(39))
        dbatch(service.url, "cancel", batch_id)
        found += lines.read()

    assert reading.wait(60) == 0
    assert names(found) == [f"c{number}" for number in range(40)]
    assert names(dbatch(service.url, "results", batch_id, "--failed")[0]) == ["c7", "c39"]
    assert names(dbatch(service.url, "results", batch_id, "--custom-id", "c9", "--no-follow")[0]) == ["c9"]
    assert names(dbatch(service.url, "results", batch_id, "--after", "38")[0]) == ["c38", "c39"]


def test_results_that_are_there(service: Service, tmp_path: Path) -> None:
    """`--no-follow` waits for nothing."""
    batch_id = submit(service, tmp_path / "a.jsonl", SLOW)

    assert dbatch(service.url, "results", batch_id, "--no-follow") == ("", "")
    dbatch(service.url, "cancel", batch_id)


@pytest.mark.parametrize(("order", "sent"), [("false", False), ("neighbours", "neighbours")])
def test_other_terms(service: Service, tmp_path: Path, order: str, sent: bool | str) -> None:
    """Priority and window of a batch that runs; a new batch's order, and whom it calls when it has ended."""
    secret = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
    with receiving() as receiver:
        options = ("--leaders-first", order, "--priority", "low", "--callback-url", receiver.url)
        path = tmp_path / "a.jsonl"
        path.write_bytes(jsonl(chat_line(1, SLOW)))
        batch_id = dbatch(service.url, "submit", path, *options, DBATCH_CALLBACK_SECRET=secret)[0].strip()
        with service.openai as client:
            made = client.batches.retrieve(batch_id)
            _, said = dbatch(service.url, "change", batch_id, "--priority", "high", "--window", "48h")
            changed = client.batches.retrieve(batch_id)
        dbatch(service.url, "cancel", batch_id)
        receiver.wait(1)
        (event,) = receiver.events(secret)

    assert (made.to_dict()["leaders_first"], made.to_dict()["callback_url"]) == (sent, receiver.url)
    assert f"{batch_id} has the priority high, and ends by " in said
    assert changed.to_dict()["priority"] == "high"
    assert changed.expires_at == made.created_at + 48 * 3600
    assert event.data.id == batch_id
    dbatch(service.url, "change", batch_id, "--priority", "low", exits=1)
    dbatch(service.url, "change", batch_id, exits=2)


def test_a_secret_without_an_address_is_not_sent(service: Service, tmp_path: Path) -> None:
    """It may stand in the environment for other batches."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl(chat_line(1)))

    dbatch(service.url, "submit", path, "--watch", DBATCH_CALLBACK_SECRET="whsec_no")


def test_deletion(service: Service, requests: Path) -> None:
    """A script says --yes; what goes with the batch is said, and else stays."""
    one, other = (dbatch(service.url, "submit", requests, "--watch", exits=3)[0].strip() for _ in range(2))
    with service.openai as client:
        kept, gone = (client.batches.retrieve(each).input_file_id for each in (one, other))
        _, said = dbatch(service.url, "delete", one, exits=1)
        assert "Give --yes." in said
        service_words = [dbatch(service.url, "delete", one, "--yes")[1]]
        service_words.append(dbatch(service.url, "delete", other, "--yes", "--files", "all")[1])
        client.files.retrieve(kept)
        with pytest.raises(openai.NotFoundError):
            client.files.retrieve(gone)

    assert all("is deleted. What it used and cost stays in `dbatch usage`." in said for said in service_words)
    dbatch(service.url, "watch", one, exits=1)


def test_several_are_watched_as_one(service: Service, tmp_path: Path) -> None:
    """With a total, and the end of each; exit code 0 only if all of both was answered."""
    quick = submit(service, tmp_path / "a.jsonl", "one", "two")
    slow = submit(service, tmp_path / "b.jsonl", SLOW, "[[status=400]]")
    command = [*PROGRAM, "watch", slow, quick]
    watching = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment(service.url))
    assert watching.stderr is not None
    with watching.stderr as lines:
        said = ""
        while f"Batch {quick} has ended: completed, 2 of 2 requests answered." not in said:
            said += lines.readline() or pytest.fail(said)
        dbatch(service.url, "cancel", slow)
        said += lines.read()

    assert watching.wait(60) == 3
    assert re.search(r"1 of 2 batches ended  [23]/4  ", said)
    assert "2 of 2 batches ended" in said
    assert f"Batch {slow} has ended: cancelled, 0 of 2 requests answered." in said
