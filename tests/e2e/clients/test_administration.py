"""Projects and keys through the unmodified SDKs that have `client.admin` (contract 10): every call that is served.

Each SDK visits once (`administration.py`, `administration.mjs`) on a service of its own; each test looks at one part of
what it saw.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from bench.programs import KEY, Mock, Service
from tests.e2e.clients.conftest import HERE, program_of

SCRIPTS = {"openai-newest": "administration.py", "npm": "administration.mjs"}
Visit = Callable[[str], dict[str, Any]]

pytestmark = pytest.mark.parametrize("release", SCRIPTS)


def run(release: str, script: str, url: str) -> str:
    """What the script prints that the release runs."""
    command = [*program_of(release), str(HERE / script), url, KEY]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory, mock: Mock) -> Iterator[Visit]:
    """What a release sees of a service where nobody has been before."""
    programs: list[Service] = []

    @cache
    def see(release: str) -> dict[str, Any]:
        program = Service(tmp_path_factory.mktemp(release), mock.url, BATCH_DRAIN_SECONDS="1")
        programs.append(program)
        program.start()
        return json.loads(run(release, SCRIPTS[release], program.url))

    yield see
    for program in programs:
        program.stop()


def step(visit: Visit, release: str, name: str) -> dict[str, Any]:
    seen = visit(release)[name]
    assert "raised" not in seen, seen["raised"]
    return seen


def test_projects(visit: Visit, release: str) -> None:
    """Made with labels, renamed, found, listed page by page."""
    seen = step(visit, release, "projects")

    assert (seen["made"]["name"], seen["made"]["status"]) == ("red", "active")
    assert seen["made"]["labels"] == {"department": "red"}
    assert (seen["renamed"], seen["found"]["name"]) == ("crimson", "crimson")
    assert (sorted(seen["listed"]), seen["default"]) == (["Default project", "crimson"], "Default project")


def test_service_accounts(visit: Visit, release: str) -> None:
    """With the first key and its end, and without one."""
    seen = step(visit, release, "service_accounts")
    made, key = seen["made"], seen["made"]["api_key"]

    assert (made["object"], made["role"]) == ("organization.project.service_account", "member")
    assert key["value"].startswith("dbk_")
    assert (key["name"], key["expires_at"] - key["created_at"]) == ("nightly", 3600)
    assert (seen["alone"]["role"], seen["alone"]["api_key"]) == ("none", None)
    assert (seen["updated"]["name"], seen["updated"]["role"]) == ("by itself", "owner")
    assert seen["found"] == {name: made[name] for name in ("id", "object", "name", "role", "created_at")}
    assert sorted(seen["listed"]) == ["by itself", "nightly"]
    assert seen["deleted"]["object"] == "organization.project.service_account.deleted"


def test_keys(visit: Visit, release: str) -> None:
    """A further key with scopes, and ours in `extra_body`; changed, found, listed."""
    seen = step(visit, release, "keys")
    made, found = seen["made"], seen["found"]

    assert (made["name"], made["scopes"], made["models"]) == ("reader", ["api.files.read"], ["m"])
    assert found == seen["updated"]
    assert (found["scopes"], found["labels"]) == (["api.all.read"], {"app": "7"})
    assert 119 <= found["expires_at"] - found["created_at"] <= 180
    assert (found["redacted_value"], "value" in found) == (f"dbk_...{made['value'][-4:]}", False)
    assert (found["owner"]["type"], found["owner"]["service_account"]["name"]) == ("service_account", "nightly")
    assert (sorted(seen["listed"]), seen["inactive"]) == (["nightly", "reader"], [])


def test_model_permissions(visit: Visit, release: str) -> None:
    """None, set, found, none again."""
    seen = step(visit, release, "model_permissions")

    assert seen["none"] == ["NotFoundError", 404, None, None]
    assert (seen["set"]["mode"], seen["found"]) == ("allow_list", ["m"])
    assert seen["deleted"] == {"object": "project.model_permissions.deleted", "deleted": True}


def test_spend_limit(visit: Visit, release: str) -> None:
    """None, set, found with what is used of it, none again."""
    seen = step(visit, release, "spend_limit")

    assert seen["none"] == ["NotFoundError", 404, None, None]
    assert seen["found"] == seen["set"]
    assert (seen["set"]["threshold_amount"], seen["set"]["enforcement"]) == (25000, {"status": "inactive"})
    assert seen["stopping"] is True
    assert seen["deleted"] == {"object": "project.spend_limit.deleted", "deleted": True}


def test_organization_spend_limit(visit: Visit, release: str) -> None:
    """None, set so that it stops batches, found with what is used of it, none again."""
    seen = step(visit, release, "organization_spend_limit")

    assert seen["none"] == ["NotFoundError", 404, None, None]
    assert seen["found"] == seen["set"]
    assert (seen["set"]["object"], seen["set"]["threshold_amount"]) == ("organization.spend_limit", 50000)
    assert (seen["set"]["stops_batches"], seen["set"]["enforcement"]) == (True, {"status": "inactive"})
    assert seen["deleted"] == {"object": "organization.spend_limit.deleted", "deleted": True}


@pytest.mark.parametrize("kind", ["project", "organization"])
def test_spend_alerts(visit: Visit, release: str, kind: str) -> None:
    """Made, changed, found, listed both ways and from an alert on, deleted; what is wrong is the SDK's exception."""
    seen = step(visit, release, "spend_alerts" if kind == "project" else "organization_spend_alerts")
    made, channel = seen["made"], {"type": "email", "recipients": ["ada@example.com"], "subject_prefix": "[batch]"}

    assert (made["object"], made["threshold_amount"]) == (f"{kind}.spend_alert", 100)
    assert (made["currency"], made["interval"], made["notification_channel"]) == ("USD", "month", channel)
    assert seen["updated"] == seen["found"] == {**made, "threshold_amount": 150}
    assert (seen["listed"], seen["oldest_first"], seen["before"]) == ([300, 200, 150], [150, 200, 300], True)
    assert seen["deleted"] == {"id": made["id"], "object": f"{kind}.spend_alert.deleted", "deleted": True}
    assert seen["then"] == ["NotFoundError", 404, None, None]
    assert seen["wrong"][1:] == [400, "integer_below_min_value", "threshold_amount"]


def test_rate_limits(visit: Visit, release: str) -> None:
    """One for each deployment; the number of enqueued tokens is the project's own."""
    seen = step(visit, release, "rate_limits")

    assert seen["found"] == ["m"]
    assert (seen["own"]["object"], seen["own"]["batch_1_day_max_input_tokens"]) == ("project.rate_limit", 1000)


def test_admin_api_keys(visit: Visit, release: str) -> None:
    """One that was made administers until it is deleted."""
    seen = step(visit, release, "admin_api_keys")

    assert seen["made"]["value"].startswith("dba_")
    assert {name: seen["made"][name] for name in seen["found"]} == seen["found"]
    assert (seen["newest_first"], seen["oldest_first"]) == (["second", "first"], ["first", "second"])
    assert sorted(seen["works"]) == ["Default project", "crimson"]
    assert seen["deleted"]["object"] == "organization.admin_api_key.deleted"
    assert seen["then"] == ["AuthenticationError", 401, "invalid_api_key", None]
    assert seen["expiring"] > seen["made"]["created_at"]


def test_keys_do_what_they_are_for(visit: Visit, release: str) -> None:
    """One runs a batch; one that may only read does; neither administers, and no other project sees the files."""
    seen = step(visit, release, "work")

    assert seen["batch"] == {"status": "completed", "custom_ids": ["c1"]}
    assert "input.jsonl" in seen["reads"]
    denied = [seen[name][:2] for name in ("writes", "creates", "administers")]
    assert denied == [["PermissionDeniedError", 403]] * 3
    assert seen["others"] == []


def test_what_ends_opens_nothing(visit: Visit, release: str) -> None:
    """A key, an account with its keys, a project with its."""
    seen = step(visit, release, "end")

    assert seen["key"]["object"] == "organization.project.api_key.deleted"
    unknown = ["AuthenticationError", 401, "invalid_api_key", None]
    assert [seen[name] for name in ("then", "then_of_account", "then_of_project")] == [unknown] * 3
    assert (seen["works"], seen["project"]) == (True, "archived")
    assert (seen["listed"], sorted(seen["with_archived"])) == (["Default project"], ["Default project", "crimson"])


def test_audit_logs(visit: Visit, release: str) -> None:
    """Everything that was done, newest first, over several pages; each filter leaves what it says."""
    seen = step(visit, release, "audit_logs")
    types = seen["types"]

    assert (types[0], types[-1]) == ("project.archived", "project.created")
    assert types.count("api_key.created") == 6
    assert (types.count("api_key.deleted"), types.count("service_account.deleted")) == (5, 2)
    assert seen["of_type"] == ["project.archived"]
    assert seen["of_resource"] == ["api_key.deleted", "api_key.updated", "api_key.created"]
    assert (seen["of_project"], seen["of_actor"], seen["later"], seen["until"]) == (True, 0, 0, len(types))
    assert seen["before"]
    assert seen["oldest"]["project.created"]["data"]["name"] == "red"


def test_mistakes(visit: Visit, release: str) -> None:
    """As the SDK's own exceptions, with code and parameter."""
    seen = step(visit, release, "mistakes")

    assert seen["unknown"] == ["NotFoundError", 404, None, None]
    assert seen["unnamed"] == ["BadRequestError", 400, "invalid_value", "name"]
    assert (seen["scope"][1], seen["scope"][3]) == (400, "scopes")
    assert seen["misspelt"] == ["BadRequestError", 400, "unknown_parameter", "scope"]
    assert seen["default"] == ["BadRequestError", 400, "default_project", None]
    assert seen["limit"][1:] == [400, "integer_above_max_value", "limit"]
