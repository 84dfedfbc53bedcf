"""The image: its recipe by hadolint's rules, and its entry point, as its user, in a copy of its files."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.architecture.product import ROOT
from tests.container.image_tree import DOCKERFILE, copied, copy_tree, entry_point, instructions
from tests.starved import stretched

USER = 10001
HADOLINT = Path(sys.executable).with_name("hadolint")


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint has no wheel for this system")
def test_the_recipe_keeps_the_rules() -> None:
    """Hadolint finds nothing, nothing is excused, and it would find what is wrong."""
    run = [HADOLINT, "--no-color", "--failure-threshold", "style"]
    found = subprocess.run([*run, DOCKERFILE], check=False, capture_output=True, text=True, timeout=60)
    wrong = subprocess.run(
        [*run, "-"], check=False, input="FROM python\nUSER root\n", capture_output=True, text=True, timeout=60
    )

    assert (found.returncode, found.stdout) == (0, "")
    assert "hadolint ignore" not in DOCKERFILE.read_text()
    assert "DL3006" in wrong.stdout


def test_what_is_copied_is_there() -> None:
    """Every name that .dockerignore leaves in; no secret, no test and no tool is among them."""
    assert [name for name in copied() if not (ROOT / name).exists()] == []
    assert not {"tests", "scripts", "bench", ".git", ".data", ".env"} & set(copied())


def test_the_image_runs_as_nobody_in_particular() -> None:
    """By number, so that Kubernetes can tell that it is not root; and it owns its data folder, nothing else."""
    assert instructions("USER")[-1] == f"{USER}:{USER}"
    assert f"--uid {USER}" in " ".join(instructions("RUN"))
    assert entry_point()[-2:] == ["--data", instructions("VOLUME")[0]]


def test_all_that_it_imports_is_installed() -> None:
    """The lock of the image has every package of the host, of the app and of its workers."""
    program = "import local_host.__main__, local_host.workers.activity_worker, function_app, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements-serve.txt").read_text(), re.MULTILINE))
    names = {name.partition(".")[0] for name in loaded.stdout.split()} - {"_distutils_hack"}  # of every environment
    owners = importlib.metadata.packages_distributions()
    needed = {tuple(re.sub(r"[-_.]+", "-", each).lower() for each in owners[name]) for name in names if name in owners}

    assert len(needed) > 20
    assert [each for each in needed if not locked & set(each)] == []


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user can reach, as pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="image-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def python_for_everyone() -> str | None:
    """A Python of this version that the image's user may run; None if there is none, or if we cannot become that user."""
    if os.geteuid() != 0:
        return None
    reachable = all(path.stat().st_mode & 0o001 for path in Path(sys.executable).resolve().parents)
    candidates = [sys.executable] if reachable else ["/usr/bin/python3"]
    for candidate in candidates:
        ask = [candidate, "-c", "import sys; print(sys.version_info[:2] == tuple(map(int, sys.argv[1:])))"]
        version = [str(part) for part in sys.version_info[:2]]
        if Path(candidate).exists() and "True" in subprocess.check_output([*ask, *version], text=True):
            return candidate
    return None


def test_the_entry_point_answers_as_its_user(place: Path) -> None:
    """In a copy of the image's files that it cannot write to; its data folder is all that it may change."""
    python = python_for_everyone()
    copy_tree(place / "app")
    data = place / "data"
    data.mkdir(mode=0o700)
    if python:
        os.chown(data, USER, USER)
    words = [str(data) if word == "/data" else word for word in entry_point()[1:]]
    words = ["127.0.0.1" if word == "0.0.0.0" else "0" if word == "7071" else word for word in words]
    deployments = json.dumps({"m": {"base_url": "http://127.0.0.1:9/v1"}})
    with (place / "out").open("w") as out, (place / "err").open("w") as err:
        process = subprocess.Popen(
            [python or sys.executable, "-B", *words],
            cwd=place / "app",
            env={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": sysconfig.get_path("purelib"),
                "BATCH_DEPLOYMENTS": deployments,
            },
            stdout=out,
            stderr=err,
            **({"user": USER, "group": USER, "extra_groups": []} if python else {}),
        )
    try:
        deadline = time.monotonic() + stretched(60)
        while not (found := re.search(r"Listening on (http://\S+)", (place / "out").read_text())):
            assert process.poll() is None, (place / "err").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        key = (data / "bootstrap-key").read_text().strip()
        said = httpx.get(f"{found[1]}/v1/models", headers={"Authorization": f"Bearer {key}"}, timeout=60).json()
    finally:
        process.terminate()
        process.wait(60)

    assert [model["id"] for model in said["data"]] == ["m"]
    assert process.returncode == 0
    assert {path.stat().st_uid for path in data.iterdir()} == {USER if python else os.geteuid()}
