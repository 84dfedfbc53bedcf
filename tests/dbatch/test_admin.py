"""`dbatch admin` on the real local host: an operator's day, and what is said when something is wrong."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from bench.programs import KEY, Mock, Service, chat_line, jsonl
from tests.architecture.product import ROOT
from tests.dbatch.running import dbatch, environment

PRICE = {"input": 1000, "output": 2000}


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of its own: an organization's limit and log are of all projects."""
    folder = tmp_path_factory.mktemp("admin")
    upstream = Mock(folder)
    upstream.start()
    program = Service(folder, upstream.url, deployment={"price": PRICE})
    program.start()
    yield program
    program.stop()
    upstream.stop()


def admin(service: Service, *arguments: str, key: str = KEY, exits: int = 0) -> tuple[list[list[str]], str]:
    """Rows of standard output, and all that was said beside them. The key is nowhere else."""
    out, said = dbatch(
        service.url, "admin", *arguments, exits=exits, OPENAI_ADMIN_KEY=key, OPENAI_API_KEY="of no use here"
    )
    return [line.split("\t") for line in out.splitlines()], said


def use(service: Service, key: str) -> dict[str, object]:
    """A batch of five requests with this key, which completes."""
    with openai.OpenAI(api_key=key, base_url=f"{service.url}/v1") as client:
        file = client.files.create(file=("in.jsonl", jsonl(*(chat_line(n) for n in range(5)))), purpose="batch")
        window = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
        batch = client.batches.create(input_file_id=file.id, **window)
        while batch.status not in ("completed", "failed"):
            batch = client.batches.retrieve(batch.id)
    assert batch.status == "completed"
    return batch.to_dict()


def test_an_operators_day(priced: Service) -> None:
    """A project, its limit and key, a batch with it, what that cost, and the key's end."""
    ((project,),), said = admin(priced, "create-project", "Translations", "--weight", "3", "--label", "department=red")
    assert f"Project Translations is {project}." in said
    assert 'Next: dbatch admin create-key "Translations" NAME' in said
    _, said = admin(priced, "limit", "Translations", "99.50", "usd", "month")
    assert "Project Translations may spend 99.50 USD a month, of which 0.00 USD is spent or reserved." in said
    limits = ("--max-priority", "low", "--days", "30", "--limit", "20", "USD", "day")
    ((key,),), said = admin(priced, "create-key", "Translations", "nightly", *limits)
    assert key.startswith("dbk_")
    assert "It is not shown again." in said
    cost = use(priced, key)["cost"]
    assert isinstance(cost, dict)

    rows, _ = admin(priced, "projects")
    assert ["Translations", project, "active", "3", "99.50 USD a month"] in rows
    (_, (name, key_id, *_, priority, spends, _, _)), _ = admin(priced, "keys", "Translations")
    assert (name, priority, spends) == ("nightly", "low", "20.00 USD a day")
    for by, name in (("project", "Translations"), ("model", "m"), ("key", key_id)):
        rows, said = admin(priced, "usage", "--by", by)
        row = next(row for row in rows if row[0] == name)
        assert (row[1], row[4]) == ("5", f"{cost['actual']} USD")
    assert f"Together {cost['actual']} USD in the last 30 days." in said

    admin(priced, "revoke", "Translations", "nightly")
    with openai.OpenAI(api_key=key, base_url=f"{priced.url}/v1") as client, pytest.raises(openai.AuthenticationError):
        client.batches.list()
    _, said = admin(priced, "organization-limit", "500", "USD", "month", "--stops")
    assert "All projects together may spend 500.00 USD a month, which also stops batches that run, of which" in said
    _, said = admin(priced, "organization-limit", "none")
    assert "All projects together may spend without limit." in said
    admin(priced, "archive", "Translations")
    rows, _ = admin(priced, "log", "--last", "5")
    assert [row[1] for row in rows[1:]] == [
        *("project.archived", "organization.updated", "organization.updated", "api_key.deleted"),
        "api_key.created",
    ]


def test_a_key_is_rotated(priced: Service) -> None:
    """The second may do what the first may, and both work until the first is revoked."""
    admin(priced, "create-project", "Rotation")
    wishes = ("--scopes", "api.batches.read", "--models", "m", "--max-priority", "low", "--days", "30")
    ((first,),), _ = admin(priced, "create-key", "Rotation", "job", *wishes)
    ((second,),), said = admin(priced, "rotate-key", "Rotation", "job", "--name", "job 2")
    revoke = re.search(r"dbatch admin revoke \"Rotation\" (key_\w+)", said)

    assert revoke
    for key in (first, second):
        with openai.OpenAI(api_key=key, base_url=f"{priced.url}/v1") as client:
            client.batches.list()
            with pytest.raises(openai.PermissionDeniedError):
                client.files.list()
    rows = {row[0]: row for row in admin(priced, "keys", "Rotation")[0]}
    assert rows["job"][1] == revoke[1]
    assert rows["job 2"][3:7] == rows["job"][3:7] == ["api.batches.read", "m", "low", "without limit"]
    assert rows["job 2"][8] == rows["job"][8] != "never"
    admin(priced, "revoke", "Rotation", revoke[1])
    assert [row[0] for row in admin(priced, "keys", "Rotation")[0]] == ["key", "job 2"]


def test_alerts(priced: Service) -> None:
    """Of a project and of all: made, shown, deleted. Nobody is promised a mail."""
    admin(priced, "create-project", "Alerted")
    _, said = admin(priced, "alert", "Alerted", "20", "usd", "week", "--mail", "ada@example.com")
    assert "is told when project Alerted has spent or reserved 20.00 USD a week" in said
    assert "sends no mail" in said
    _, said = admin(priced, "organization-alert", "500", "USD", "month")
    (made,) = re.findall(r"^alert_\w+", said)

    (_, of_all, of_one), _ = admin(priced, "alerts")
    assert of_all == ["all projects", made, "500.00 USD a month", "nobody", "never"]
    assert (of_one[0], *of_one[2:]) == ("Alerted", "20.00 USD a week", "ada@example.com", "never")
    for each in (made, of_one[1]):
        admin(priced, "delete-alert", each)
    assert len(admin(priced, "alerts")[0]) == 1
    _, said = admin(priced, "delete-alert", made, exits=1)
    assert f"no spend alert is '{made}'" in said
    _, said = admin(priced, "organization-alert", "0", "USD", "month", exits=2)
    assert "An alert needs an amount" in said


def test_a_limit_of_one_model(priced: Service) -> None:
    """Beside that of all, and kept when that is changed; it goes alone, or with all."""
    admin(priced, "create-project", "Models")
    _, said = admin(priced, "limit", "Models", "5", "USD", "day", "--model", "m", exits=1)
    assert "the project has no limit of its own yet" in said
    admin(priced, "limit", "Models", "50", "USD", "month", "--stops")
    admin(priced, "limit", "Models", "5", "USD", "day", "--model", "m")
    _, said = admin(priced, "limit", "Models", "60", "USD", "month")
    assert said.splitlines()[0].startswith("Project Models may spend 60.00 USD a month, of which")
    assert said.splitlines()[1] == "  with m: 5.00 USD a day"
    _, said = admin(priced, "limit", "Models", "none", "--model", "m")
    assert len(said.splitlines()) == 1
    _, said = admin(priced, "limit", "Models", "none")
    assert "may spend without limit." in said


def test_a_project_is_changed(priced: Service) -> None:
    """Its name, weight, models and what it may store."""
    admin(priced, "create-project", "Before")
    admin(priced, "change-project", "Before", "--name", "After", "--weight", "7", "--most", "files=9", "--models", "m")
    with openai.OpenAI(admin_api_key=KEY, base_url=f"{priced.url}/v1") as client:
        (found,) = [each for each in client.admin.organization.projects.list(limit=100) if each.name == "After"]
        models = client.admin.organization.projects.model_permissions
        assert models.retrieve(found.id).to_dict()["model_ids"] == ["m"]
        admin(priced, "change-project", "After", "--models", "all")
        with pytest.raises(openai.NotFoundError):
            models.retrieve(found.id)

    assert found.to_dict()["weight"] == 7
    assert found.to_dict()["limits"]["files"] == 9  # type: ignore[index]


def test_administrators(priced: Service) -> None:
    """A key for each person, whom the log names; it opens nothing once it is revoked."""
    ((key,),), _ = admin(priced, "create-administrator", "Ada", "--days", "90")
    admin(priced, "create-project", "Of Ada", key=key)
    out, _ = admin(priced, "log", "--last", "1", "--type", "project.created")
    assert out[1][2:4] == ["Ada", "Of Ada"]
    out, _ = admin(priced, "log", "--last", "1", "--project", "Of Ada", "--json")
    assert json.loads(out[0][0])["project.created"]["data"] == {"name": "Of Ada"}
    (found,) = [row for row in admin(priced, "administrators")[0] if row[0] == "Ada"]
    admin(priced, "revoke-administrator", found[1])
    admin(priced, "projects", key=key, exits=1)


@pytest.mark.parametrize(
    ("arguments", "said", "exits"),
    [
        (("keys", "Nobody"), "no project is named 'Nobody'", 1),
        (("revoke", "proj_default", "key_1"), "`dbatch admin keys` shows all, with their ids.", 1),
        (("revoke-administrator", "key_1"), "answered 404", 1),
        (("limit", "proj_default", "1.005", "USD", "month"), "is no amount of whole cents", 2),
        (("limit", "proj_default", "1", "USD"), "A limit is AMOUNT CURRENCY INTERVAL", 2),
        (("limit", "proj_default", "--stops"), "--stops goes with a limit", 2),
        (("create-key", "proj_default", "job", "--limit", "5", "USD", "year"), "none of day, week, month, total", 2),
        (("change-project", "proj_default", "--most", "pages=1"), "write one of files", 2),
        (("change-project", "proj_default"), "Say what to change.", 2),
        (("--url", "example.com", "projects"), "It begins with https:// or http://", 1),
    ],
)
def test_what_cannot_be_done(priced: Service, arguments: tuple[str, ...], said: str, exits: int) -> None:
    """It says why, and what to do."""
    _, found = admin(priced, *arguments, exits=exits)

    assert said in found


def test_a_key_that_may_not(priced: Service) -> None:
    """What the service said, and which key it takes; a project's key sees its own usage."""
    ((key,),), _ = admin(priced, "create-key", "proj_default", "job")
    for wrong in (key, "no-key"):
        _, said = admin(priced, "projects", key=wrong, exits=1)
        assert "Give an administrator's key or the bootstrap key: --key, or OPENAI_ADMIN_KEY." in said
    use(priced, key)
    rows, _ = admin(priced, "usage", "--by", "project", key=key)
    assert rows[1][0] == "proj_default"


def test_a_kept_key_goes_to_this_machine_only(priced: Service, tmp_path: Path) -> None:
    """The local host's own is not offered to a service elsewhere."""
    (tmp_path / "bootstrap-key").write_text(KEY)
    nothing = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}
    for url, exits in ((priced.url, 0), ("http://192.0.2.1", 1)):
        arguments = ("admin", "--url", url, "--data", tmp_path, "projects")
        _, said = dbatch("", *arguments, exits=exits, **nothing)
    assert "no key was given" in said


def test_scripts_admin_is_the_same_program(priced: Service) -> None:
    """By its own name in what it says next."""
    settings = environment(priced.url, OPENAI_ADMIN_KEY=KEY)
    command = [str(ROOT / "scripts/admin"), "create-project", "Research"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100, env=settings)

    assert done.stdout.startswith("proj_")
    assert 'Next: scripts/admin create-key "Research" NAME' in done.stderr
