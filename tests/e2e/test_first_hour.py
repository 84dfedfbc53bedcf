"""What the service prints for a newcomer runs as it is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.programs import ROOT, Mock


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("first hour")  # With a blank, as in the names of many folders.


@pytest.fixture(scope="module")
def said(folder: Path, mock: Mock) -> Iterator[str]:
    """What a service that made its own key says at the start; what it says later is in the file `err`."""
    (folder / "m.toml").write_text(f'["my.model"]\nbase_url = "{mock.url}/v1"\nmodel = "m"\n')
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BATCH_")}
    options = ["--port", "0", "--data", str(folder / "data"), "--deployments", str(folder / "m.toml")]
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        command = [sys.executable, "-m", "local_host", *options]
        service = subprocess.Popen(command, cwd=ROOT, env=kept, stdout=out, stderr=err)
    deadline = time.monotonic() + 60
    while "Ctrl-C" not in (text := (folder / "out").read_text()):
        assert time.monotonic() < deadline, (folder / "err").read_text()
        time.sleep(0.05)
    yield text
    service.terminate()
    service.wait(60)


def shell(lines: list[str], folder: Path) -> str:
    """What the lines print in a new shell that has nothing but a PATH."""
    found = subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        check=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
        timeout=100,
    )
    return found.stdout


@pytest.fixture(scope="module")
def tried(said: str) -> str:
    """What the lines under "try next" print, run in the folder that they are for."""
    return shell(re.findall(r"^  ((?:export|\.venv).*)$", said, re.MULTILINE), ROOT)


def test_what_to_try_next_answers_two_questions(tried: str) -> None:
    """With the key and the model that were printed."""
    assert "completed BatchRequestCounts(completed=2, failed=0, total=2)" in tried
    assert tried.count(" -> ") == 2


def test_the_end_of_a_batch_says_how_to_get_its_answers(folder: Path, tried: str) -> None:
    """By a command that keeps them in a file, the key being nowhere in it."""
    deadline = time.monotonic() + 60
    while not (commands := re.findall(r"answers: (curl .*)", (folder / "err").read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    shell(commands[:1], folder)
    assert len((folder / "answers.jsonl").read_text().splitlines()) == 2
    assert (folder / "data/bootstrap-key").read_text().strip() not in (folder / "err").read_text()
