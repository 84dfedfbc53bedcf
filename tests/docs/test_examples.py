"""`examples/`: every program and every cell of the notebook runs against a live service and a mock upstream."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.programs import KEY, Mock, Service, chat_line, jsonl
from tests.architecture.product import ROOT

EXAMPLES = ROOT / "examples"
NOTEBOOK: dict[str, Any] = json.loads((EXAMPLES / "from_azure_openai.ipynb").read_text())


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    mock = Mock(folder)
    mock.start()
    program = Service(folder, mock.url)
    program.start()
    yield program
    program.stop()
    mock.stop()


def run(service: Service, folder: Path, *arguments: str) -> str:
    """What a program of this Python prints, in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BATCH_", "OPENAI_"))}
    given = {"OPENAI_BASE_URL": f"{service.url}/v1", "OPENAI_API_KEY": KEY, "BATCH_ADDRESS": service.url}
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=folder,
        env={**kept, **given, "BATCH_MODEL": "m"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_text_is_embedded(service: Service, tmp_path: Path) -> None:
    """A row for each line that has a text."""
    (tmp_path / "texts.txt").write_text("one\n\ntwo\n")
    said = run(service, tmp_path, str(EXAMPLES / "embeddings.py"), "m", "texts.txt", "vectors.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "vectors.jsonl").read_text().splitlines()]

    assert said == "2 of 2 texts are in vectors.jsonl.\n"
    assert [row["text"] for row in rows] == ["one", "two"]
    assert all(isinstance(row["embedding"][0], float) for row in rows)


def test_what_failed_is_sent_again(service: Service, tmp_path: Path) -> None:
    """The second batch has the one request that the upstream refused, and its refusal is told with advice."""
    lines = [chat_line(1), chat_line(2, "[[fail_first=1:400]] once")]
    (tmp_path / "requests.jsonl").write_bytes(jsonl(*lines))
    said = run(service, tmp_path, str(EXAMPLES / "retry_failed.py"), "requests.jsonl")

    assert re.search(r"^1 x \w+: .+", said, re.MULTILINE)
    assert said.splitlines()[-1].endswith("completed BatchRequestCounts(completed=1, failed=0, total=1)")


def test_the_notebook_answers_every_question(service: Service, tmp_path: Path) -> None:
    """Cell by cell, through Azure's client."""
    cells = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    said = run(service, tmp_path, "-c", "\n".join(cells))

    assert said.count(" -> echo: ") == 3


def test_the_notebook_is_as_new() -> None:
    """No output, no count and no key of whoever ran it last."""
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]

    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


def test_the_list_has_every_example() -> None:
    """And no other."""
    listed = re.findall(r"^\| \[([\w.]+)\]", (EXAMPLES / "README.md").read_text(), re.MULTILINE)

    assert sorted(listed) == sorted(path.name for path in EXAMPLES.iterdir() if path.name != "README.md")
