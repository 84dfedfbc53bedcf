"""What release 0.4.0 left is the default project's: it can be seen, and an unfinished batch goes on where it was."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.programs import Mock, Service

LEFT = Path(__file__).parents[1] / "release_0_4_0"
ENDED_BATCH = "batch_01a21bc7-bc6a-7b90-b22b-74434f78884b"
RUNNING_BATCH = "batch_01a21bc7-e004-7594-9d62-6b9de3d502ab"
FILE = "file-01a21bc7bc267250894ccd830cebe9c8"


@pytest.fixture
def service(tmp_path: Path, mock: Mock) -> Iterator[Service]:
    """On a folder that 0.4.0 made, as if that had been killed a moment ago: its batch had 4 of 12 answers."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    shutil.copytree(LEFT / "blobs", data / "blobs")
    with closing(sqlite3.connect(data / "stores.db")) as database:
        database.executescript((LEFT / "stores.sql").read_text())
        database.execute("UPDATE staged_blocks SET staged_at = ?", (time.time(),))
        database.commit()
    program = Service(tmp_path, mock.url)
    program.start()
    yield program
    program.stop()


def test_what_0_4_0_left_is_the_default_projects(service: Service, mock: Mock) -> None:
    """Files, batches, an upload and a webhook endpoint by their ids; what was answered is not asked again."""
    mock.reset()
    unfinished = service.wait(RUNNING_BATCH)
    with service.azure as client:
        batches = {batch.id: batch for batch in client.batches.list()}
        filenames = sorted(file.filename for file in client.files.list() if file.purpose == "batch")
    with service.openai as client:
        (endpoint,) = client.webhooks.list()

    assert {RUNNING_BATCH, ENDED_BATCH} == batches.keys()
    assert (["first.jsonl", "second.jsonl"], "results") == (filenames, endpoint.name)
    assert ("completed", 12, 0) == (
        unfinished.status,
        unfinished.request_counts.completed,
        unfinished.request_counts.failed,
    )
    answered = [line["custom_id"] for line in service.lines(unfinished.output_file_id)]
    assert [f"c{number}" for number in range(1, 13)] == answered
    assert mock.stats()["requests"] <= 8 + 2  # Two were in flight.
    assert {"team": "first"} == batches[ENDED_BATCH].metadata
    assert ["c1", "c2"] == [line["custom_id"] for line in service.lines(batches[ENDED_BATCH].output_file_id)]


def test_a_new_batch_of_an_old_file(service: Service) -> None:
    """The default project's key reads what that project has."""
    with service.azure as client:
        again = client.batches.create(input_file_id=FILE, endpoint="/chat/completions", completion_window="24h")
    batch = service.wait(again.id)

    assert (2, 1) == (batch.request_counts.completed, batch.request_counts.failed)
