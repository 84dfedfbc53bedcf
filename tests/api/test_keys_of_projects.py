"""Keys of projects and of administrators over HTTP: whom they let in, whom not, and what is answered."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import httpx
import pytest
from azurefunctions.extensions.http.fastapi import Request, Response

from api.edge.dialect import OPENAI
from api.edge.endpoint import Call, endpoint, json_response
from shared.domain.errors import Unavailable
from shared.domain.keys.key_text import SECRET_BYTES, digest_of, parse_key, write_key
from shared.domain.keys.pepper import Peppers
from shared.domain.keys.priority import Priority
from shared.domain.keys.project import Project
from shared.domain.keys.scopes import Scope
from shared.services import Services, use
from tests.api.harness import KEY, Clock
from tests.api.made_keys import PEPPERS, MadeKey, an_id, change_project, make_key, make_project, with_peppers

INCORRECT = "Incorrect API key. Check the key, and that it belongs to this service."
AZURE = "?api-version=2024-10-21"
PATHS = ["/v1/files", "/v1/openai/files", "/openai/v1/files", f"/openai/files{AZURE}"]
DENIED = "Access denied due to invalid subscription key or wrong API endpoint."


@pytest.fixture
async def service(services: Services) -> AsyncIterator[Services]:
    """With peppers."""
    with use(with_peppers(services)) as changed:
        yield changed


@pytest.fixture
async def project(service: Services) -> Project:
    return await make_project(service)


@pytest.fixture
async def key(service: Services, project: Project) -> MadeKey:
    return await make_key(service, project)


async def refused(http: httpx.AsyncClient, text: str) -> tuple[int, str, str | None]:
    """Status, message and code of OpenAI's dialect."""
    response = await http.get("/v1/files", headers={"authorization": f"Bearer {text}"})
    error = response.json().get("error", {})
    return response.status_code, error.get("message", ""), error.get("code")


@pytest.mark.parametrize(("asked", "seen"), [({}, "low"), ({"priority": "low"}, "low"), ({"priority": "normal"}, None)])
async def test_a_key_bounds_the_priority_of_its_batches(
    anonymous: httpx.AsyncClient, service: Services, project: Project, asked: dict[str, str], seen: str | None
) -> None:
    """What asks for nothing gets what is allowed; more is refused."""
    key = await make_key(service, project, max_priority=Priority.LOW)
    body = {"input_file_id": "file-x", "endpoint": "/v1/chat/completions", "completion_window": "24h", **asked}
    made = await anonymous.post("/v1/batches", json=body, headers=key.headers)

    if seen:
        assert (made.status_code, made.json()["priority"]) == (200, seen)
    else:
        assert (made.status_code, made.json()["error"]["code"]) == (400, "priority_not_allowed")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", ["authorization", "api-key"])
async def test_a_key_of_a_project_gets_in(anonymous: httpx.AsyncClient, key: MadeKey, path: str, header: str) -> None:
    """In either header, in every dialect, and again from what is remembered."""
    headers = {header: f"Bearer {key.text}" if header == "authorization" else key.text}

    assert [(await anonymous.get(path, headers=headers)).status_code for _ in range(2)] == [200, 200]


async def test_what_it_makes_is_its_projects(anonymous: httpx.AsyncClient, service: Services, key: MadeKey) -> None:
    """The record names the project and the key; the bootstrap key's project is another one."""
    body = {"input_file_id": "file-x", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    created = await anonymous.post("/v1/batches", json=body, headers=key.headers)

    assert key.record.project_id
    batches = await service.stores.batches.list(key.record.project_id, limit=2)
    assert [(batch.key_id, batch.key_models) for batch in batches] == [(key.record.id, None)]
    assert f"batch_{batches[0].id}" == created.json()["id"]
    assert await service.stores.batches.list("default", limit=2) == []


async def test_a_batch_keeps_what_its_key_was_for(
    anonymous: httpx.AsyncClient, service: Services, project: Project
) -> None:
    """Validation asks for it later."""
    key = await make_key(service, project, models=("small",))
    body = {"input_file_id": "file-x", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    await anonymous.post("/v1/batches", json=body, headers=key.headers)

    assert [batch.key_models for batch in await service.stores.batches.list(project.id, limit=2)] == [("small",)]


def cut(text: str) -> str:
    return text[:-1]


def grown(text: str) -> str:
    return f"{text}0"


def forged(text: str) -> str:
    return f"{text[:-1]}{'0' if text[-1] != '0' else '1'}"


def lower(text: str) -> str:
    return text.lower()


def claims_to_administer(text: str) -> str:
    return text.replace("dbk_", "dba_")


def with_line_feed(text: str) -> str:
    return f"{text}%0A"


def doubled(text: str) -> str:
    return f"{text},{text}"


@pytest.mark.parametrize("change", [cut, grown, forged, lower, claims_to_administer, with_line_feed, doubled])
async def test_a_text_that_was_never_a_key(
    anonymous: httpx.AsyncClient, key: MadeKey, change: Callable[[str], str]
) -> None:
    """The checksum says so."""
    assert await refused(anonymous, change(key.text)) == (401, INCORRECT, "invalid_api_key")


def rewritten(key: MadeKey, *, key_id: str | None = None, is_admin: bool = False) -> str:
    """A well-written key with a secret of one's own."""
    return write_key(key_id or key.record.id, os.urandom(SECRET_BYTES), is_admin=is_admin)


async def test_an_unknown_key_and_a_wrong_secret(anonymous: httpx.AsyncClient, key: MadeKey, clock: Clock) -> None:
    """One and the same answer."""
    texts = [rewritten(key), rewritten(key, key_id=an_id(clock.now)), rewritten(key, is_admin=True)]

    assert {await refused(anonymous, text) for text in texts} == {(401, INCORRECT, "invalid_api_key")}


async def test_the_secret_of_another_kind_of_key(
    anonymous: httpx.AsyncClient, service: Services, project: Project, clock: Clock
) -> None:
    """A project's secret, written as an administrator's key of the same id, with its checksum: another digest."""
    secret = os.urandom(SECRET_BYTES)
    text = write_key(an_id(clock.now), secret)
    parsed = parse_key(text)
    assert parsed
    await make_key(service, project, id=parsed.id, digest=digest_of(parsed, PEPPERS["first"]))

    assert (await refused(anonymous, text))[0] == 200
    assert (await refused(anonymous, write_key(parsed.id, secret, is_admin=True)))[0] == 401


async def test_a_key_of_another_installation(
    anonymous: httpx.AsyncClient, services: Services, service: Services, key: MadeKey
) -> None:
    """Other peppers: the same row opens nothing."""
    for peppers in (Peppers({"first": b"x" * 32}), Peppers({"other": b"f" * 31 + b"g"}), Peppers()):
        with use(with_peppers(services, peppers)):
            assert await refused(anonymous, key.text) == (401, INCORRECT, "invalid_api_key")


async def test_keys_under_every_pepper_that_is_there(
    anonymous: httpx.AsyncClient, service: Services, project: Project
) -> None:
    """That is how a pepper is rotated."""
    keys = [await make_key(service, project, pepper) for pepper in PEPPERS]

    assert [(await refused(anonymous, key.text))[0] for key in keys] == [200, 200]


async def test_an_expired_key(anonymous: httpx.AsyncClient, service: Services, project: Project, clock: Clock) -> None:
    """From the moment on, also where it is remembered; who has the secret is told why."""
    key = await make_key(service, project, expires_at=clock.now + timedelta(seconds=10))
    assert (await refused(anonymous, key.text))[0] == 200
    clock.advance(seconds=10)

    said = "This API key has expired. Ask your administrator for a new one."
    assert await refused(anonymous, key.text) == (401, said, "invalid_api_key")
    assert (await refused(anonymous, rewritten(key)))[1] == INCORRECT


async def test_an_archived_project(anonymous: httpx.AsyncClient, service: Services, project: Project) -> None:
    """Its keys open nothing."""
    key = await make_key(service, project)
    await change_project(service, project, archived_at=service.now())

    said = "The project of this API key is archived. Use a key of another one."
    assert await refused(anonymous, key.text) == (401, said, "invalid_api_key")


async def test_a_deleted_account(anonymous: httpx.AsyncClient, service: Services, key: MadeKey) -> None:
    """Also for the key that was made while the account's keys were being deleted."""
    record = key.record
    assert record.project_id
    assert record.service_account_id
    await service.stores.service_accounts.delete(record.project_id, record.service_account_id)

    assert await refused(anonymous, key.text) == (401, INCORRECT, "invalid_api_key")


@pytest.mark.parametrize("path", PATHS)
async def test_a_refusal_in_every_dialect(anonymous: httpx.AsyncClient, key: MadeKey, path: str) -> None:
    """Azure's say it in the gateway's words (contract 1.3)."""
    response = await anonymous.get(path, headers={"api-key": rewritten(key)})
    said = response.json()["error"]["message"]

    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert said.startswith(INCORRECT if path.startswith("/v1") else DENIED)


@pytest.mark.parametrize("path", PATHS)
async def test_a_missing_scope_in_every_dialect(
    anonymous: httpx.AsyncClient, service: Services, project: Project, path: str
) -> None:
    """403, in OpenAI's words; reading goes on working."""
    key = await make_key(service, project, scopes=("files:read",))
    path, _, query = path.partition("?")
    response = await anonymous.delete(f"{path}/file-x?{query}", headers=key.headers)
    error = response.json()["error"]

    assert (response.status_code, error.get("code")) == (403, None if path.startswith("/v1") else "forbidden")
    assert error["message"].startswith(
        "You have insufficient permissions for this operation. Missing scopes: api.files.write."
    )
    assert (await anonymous.get(f"{path}?{query}", headers=key.headers)).status_code == 200


async def test_an_administrators_key_is_for_administration(anonymous: httpx.AsyncClient, service: Services) -> None:
    """Readiness is the operator's; files are a project's."""
    key = await make_key(service)

    assert (await anonymous.get("/readyz", headers=key.headers)).status_code == 200
    response = await anonymous.get("/v1/files", headers=key.headers)
    assert (response.status_code, "administrator's key" in response.json()["error"]["message"]) == (403, True)


async def test_a_projects_key_does_not_administer(anonymous: httpx.AsyncClient, key: MadeKey) -> None:
    """403, and what to use."""
    response = await anonymous.get("/readyz", headers=key.headers)

    assert response.status_code == 403
    assert response.json()["error"]["message"] == (
        "You have insufficient permissions for this operation. Missing scopes: admin. Use an administrator's key: a "
        "project's key never has this scope."
    )


@pytest.mark.parametrize("path", PATHS)
async def test_a_header_with_another_project(
    anonymous: httpx.AsyncClient, key: MadeKey, project: Project, path: str
) -> None:
    """OpenAI refuses it; Azure has no such header (contract 1.1)."""
    headers = key.headers | {"openai-project": "proj_default", "openai-organization": "org-whoever"}
    response = await anonymous.get(path, headers=headers)

    if path.startswith("/openai"):
        assert response.status_code == 200
        return
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (401, "mismatched_project")
    assert error["message"] == (
        "OpenAI-Project header should match project for API key. This key is one of the project "
        f"'proj_{project.id}': name that, or none."
    )


@pytest.mark.parametrize("spelling", ["proj_{id}", "{id}", "", " "])
async def test_a_header_with_the_keys_own_project(
    anonymous: httpx.AsyncClient, key: MadeKey, project: Project, spelling: str
) -> None:
    """In any spelling, or empty."""
    headers = key.headers | {"openai-project": spelling.format(id=project.id)}

    assert (await anonymous.get("/v1/files", headers=headers)).status_code == 200


async def test_two_headers_with_projects(anonymous: httpx.AsyncClient, key: MadeKey, project: Project) -> None:
    """Each has to be right."""
    headers = [*key.headers.items(), ("openai-project", project.id), ("openai-project", "proj_default")]

    assert (await anonymous.get("/v1/files", headers=headers)).status_code == 401


async def test_the_bootstrap_key_is_of_the_default_project(api: httpx.AsyncClient, service: Services) -> None:
    """Which nobody had to make."""
    for spelling in ("default", "proj_default"):
        assert (await api.get("/v1/files", headers={"openai-project": spelling})).status_code == 200
    assert (await api.get("/v1/files", headers={"openai-project": "proj_abc"})).status_code == 401
    assert await service.stores.projects.get("default") is None


@pytest.mark.parametrize(
    ("method", "scope", "status"),
    [
        ("POST", Scope.ADMIN, 401),
        ("DELETE", Scope.ADMIN, 401),
        ("GET", Scope.ADMIN, 200),
        ("POST", Scope.FILES_WRITE, 200),
    ],
)
@pytest.mark.parametrize("fails", [False, True])
async def test_whatever_an_administrator_changes_counts_at_once(
    anonymous: httpx.AsyncClient, service: Services, key: MadeKey, method: str, scope: Scope, status: int, fails: bool
) -> None:
    """No handler of administration has to think of it, and none can forget it; nor if it fails half way."""

    async def revoke(_: Request, call: Call) -> Response:
        await call.service.stores.api_keys.delete(key.record.id)
        if fails:
            raise Unavailable("The storage account does not answer; try again in a minute.")
        return json_response({})

    assert (await refused(anonymous, key.text))[0] == 200
    asked = {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": b"",
        "headers": [(b"api-key", KEY.encode())],
    }
    await endpoint(revoke, OPENAI, scope)(Request(asked))

    assert (await refused(anonymous, key.text))[0] == status
