"""`scripts/admin` on the real local host: an operator's day, and what is said when something is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from bench.programs import KEY, Mock, Service, chat_line, jsonl
from tests.architecture.product import ROOT

PROGRAM = ROOT / "scripts/lib/admin.py"
PRICE = {"input": 1000, "output": 2000}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """With a deployment that costs something."""
    folder = tmp_path_factory.mktemp("admin")
    upstream = Mock(folder)
    upstream.start()
    program = Service(folder, upstream.url, deployment={"price": PRICE})
    program.start()
    yield program
    program.stop()
    upstream.stop()


def admin(service: Service, *arguments: str, key: str | None = None, exits: int = 0) -> tuple[list[str], str]:
    """Lines of standard output, and all that was said beside them."""
    command = [sys.executable, str(PROGRAM), "--url", service.url, "--key", key or KEY, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == exits, done.stderr
    return done.stdout.splitlines(), done.stderr


def test_an_operators_day(service: Service) -> None:
    """A project, its limit and key, a batch with it, what that cost, and the key's end."""
    _, said = admin(service, "create-project", "Translations", "--weight", "3", "--label", "department=red")
    assert "Project Translations is proj_" in said
    assert 'scripts/admin create-key "Translations" NAME' in said
    _, said = admin(service, "limit", "Translations", "99.50", "usd", "month")
    assert "Project Translations may spend 99.50 USD a month, of which 0.00 is spent or reserved." in said
    (key,), said = admin(
        service,
        "create-key",
        "Translations",
        "nightly",
        "--max-priority",
        "low",
        "--days",
        "30",
        "--limit",
        "20",
        "USD",
        "day",
    )
    assert key.startswith("dbk_")
    assert "It is not shown again." in said

    with openai.OpenAI(api_key=key, base_url=f"{service.url}/v1") as client:
        file = client.files.create(file=("in.jsonl", jsonl(*(chat_line(n) for n in range(5)))), purpose="batch")
        window = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
        batch = client.batches.create(input_file_id=file.id, **window)
        while batch.status not in ("completed", "failed"):
            batch = client.batches.retrieve(batch.id)
    assert batch.status == "completed"

    projects, _ = admin(service, "projects")
    assert any("Translations" in line and " 3 " in line and "99.50 USD a month" in line for line in projects)
    keys, _ = admin(service, "keys", "Translations")
    assert re.search(r"low +20\.00 USD a day", keys[1])
    assert keys[1].split()[0] == "nightly"
    for by, name in (("project", "Translations"), ("model", "m"), ("key", keys[1].split()[1])):
        table, said = admin(service, "usage", "--by", by)
        row = next(line.split() for line in table if line.split()[0] == name)
        assert row[1] == "5"
    cost = batch.to_dict()["cost"]["actual"]
    assert f"Together {cost:.4f} USD in the last 30 days." in said
    _, said = admin(service, "limit", "Translations")
    assert f"of which {cost:.2f} is spent" in said

    admin(service, "revoke", "Translations", keys[1].split()[1])
    with openai.OpenAI(api_key=key, base_url=f"{service.url}/v1") as client, pytest.raises(openai.AuthenticationError):
        client.batches.list()
    _, said = admin(service, "limit", "Translations", "none")
    assert "may spend without limit" in said
    _, said = admin(service, "organization-limit", "500", "USD", "month", "--stops")
    assert "All projects together may spend 500.00 USD a month, which also stops batches that run, of which" in said
    _, said = admin(service, "organization-limit", "none")
    assert "All projects together may spend without limit." in said
    admin(service, "archive", "Translations")
    log, _ = admin(service, "log", "--last", "5")
    assert [line.split()[2] for line in log[1:]] == [
        "project.archived",
        "organization.updated",
        "organization.updated",
        "project.updated",
        "api_key.deleted",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keys", "Nobody"), "no project named 'Nobody'"),
        (("revoke", "proj_default", "key_1"), "answered 404"),
        (("limit", "proj_default", "1.005", "USD", "month"), "is no amount of whole cents"),
    ],
)
def test_what_cannot_be_done(service: Service, arguments: tuple[str, ...], said: str) -> None:
    """It says why, and what to do."""
    _, found = admin(service, *arguments, exits=2 if "amount" in said else 1)

    assert said in found


def test_a_key_that_may_not(service: Service) -> None:
    """What the service said, and which key it takes."""
    (key,), _ = admin(service, "create-key", "proj_default", "job")
    for wrong in (key, "no-key"):
        _, said = admin(service, "projects", key=wrong, exits=1)
        assert "Give an administrator's key or the bootstrap key: --key, or OPENAI_ADMIN_KEY." in said


def test_a_kept_key_goes_to_this_machine_only(service: Service, tmp_path: Path) -> None:
    """The local host's own is not offered to a service elsewhere."""
    (tmp_path / "bootstrap-key").write_text(KEY)
    for url, exits in ((service.url, 0), ("http://192.0.2.1", 1)):
        command = [sys.executable, str(PROGRAM), "--url", url, "--data", str(tmp_path), "projects"]
        environment = {"PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
        assert done.returncode == exits, done.stderr
    assert "no key was given" in done.stderr
