"""Tokens of Entra ID and sign-ins of App Service over HTTP: whom they let in, where to, and what is answered."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.edge.authentication import authenticate
from shared.domain.errors import Forbidden
from shared.domain.keys.entra_rules import EntraRules
from shared.domain.keys.project import Project, spell_project_id
from shared.domain.keys.scopes import Scope
from shared.entra.token_verifier import EntraTokens
from shared.services import Services, use
from tests import entra_issuer
from tests.api.harness import KEY, Clock
from tests.api.made_keys import change_project, make_key, make_project, with_peppers
from tests.entra_issuer import CLIENT, PERSON, TENANT, Issuer

AZURE = "?api-version=2024-10-21"
PATHS = ["/v1/files", "/v1/openai/files", "/openai/v1/files", f"/openai/files{AZURE}"]
TEAM, OTHER = "dddddddd-0000-0000-0000-000000000004", "eeeeeeee-0000-0000-0000-000000000005"
TENANT_CLAIM = "http://schemas.microsoft.com/identity/claims/tenantid"
PERSON_CLAIM = "http://schemas.microsoft.com/identity/claims/objectidentifier"


class Counting:
    """Counts what is verified."""

    def __init__(self, rules: EntraRules) -> None:
        self._inner = EntraTokens(rules)
        self.verified = 0

    async def claims_of(self, token: str) -> Mapping[str, Any]:
        self.verified += 1
        return await self._inner.claims_of(token)

    async def check(self) -> None:
        await self._inner.check()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with entra_issuer.running() as running:
        yield running


@pytest.fixture
async def project(services: Services) -> Project:
    return await make_project(services)


@pytest.fixture
async def other(services: Services) -> Project:
    return await make_project(services, name="Summaries")


@pytest.fixture
async def service(services: Services, issuer: Issuer, project: Project, other: Project) -> AsyncIterator[Services]:
    """With a tenant: a client and a group of one project, a group of the other."""
    projects = {f"azp:{CLIENT}": project.id, f"groups:{TEAM}": project.id, f"groups:{OTHER}": other.id}
    rules = issuer.rules(projects=projects)
    keyed = with_peppers(services)
    settings = replace(keyed.settings, entra=rules)
    with use(replace(keyed, settings=settings, tokens=Counting(rules))) as changed:
        yield changed


def bearer(token: str, **further: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", **further}


def principal(**changes: str) -> dict[str, str]:
    """The header as App Service writes it after a sign-in."""
    claims = {TENANT_CLAIM: TENANT, PERSON_CLAIM: PERSON, "roles": "Batch.All", "groups": TEAM, **changes}
    content = {"auth_typ": "aad", "claims": [{"typ": name, "val": text} for name, text in claims.items()]}
    return {"x-ms-client-principal": base64.b64encode(json.dumps(content).encode()).decode()}


async def refused(http: httpx.AsyncClient, headers: dict[str, str], path: str = "/v1/files") -> tuple[int, str]:
    response = await http.get(path, headers=headers)
    return response.status_code, response.json().get("error", {}).get("message", "")


@pytest.mark.parametrize("path", PATHS)
async def test_a_token_gets_in(anonymous: httpx.AsyncClient, service: Services, issuer: Issuer, path: str) -> None:
    """In every dialect, and again from what is remembered."""
    headers = bearer(issuer.token())

    assert [(await anonymous.get(path, headers=headers)).status_code for _ in range(2)] == [200, 200]
    assert service.tokens.verified == 1  # type: ignore[union-attr]


async def test_what_it_makes_is_its_projects(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer, project: Project
) -> None:
    """No other project sees it, nor does the bootstrap key's."""
    content = {"file": ("in.jsonl", b'{"custom_id":"a"}\n')}
    form = {"purpose": "batch"}
    made = await anonymous.post("/v1/files", files=content, data=form, headers=bearer(issuer.token()))
    path = f"/v1/files/{made.json()['id']}"
    stranger = issuer.token(azp="another", groups=[OTHER])

    assert len(await service.stores.files.list(project.id, limit=2)) == 1
    assert (await anonymous.get(path, headers=bearer(issuer.token(groups=[TEAM])))).status_code == 200
    assert (await anonymous.get(path, headers=bearer(stranger))).status_code == 404
    assert (await anonymous.get(path, headers=bearer(KEY))).status_code == 404


@pytest.mark.parametrize("path", PATHS)
async def test_of_several_projects_the_caller_names_one(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer, project: Project, other: Project, path: str
) -> None:
    """By `OpenAI-Project`, in every dialect; what is remembered of one is not given out for the other."""
    token = issuer.token(groups=[OTHER, TEAM])
    for each in (project, other):
        headers = bearer(token, **{"openai-project": spell_project_id(each.id)})
        assert (await anonymous.get(path, headers=headers)).status_code == 200

    status, message = await refused(anonymous, bearer(token), path)
    assert (status, "lead to 2 projects" in message) == (403, True)


async def test_each_project_named_is_the_one_that_is_used(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer, project: Project, other: Project
) -> None:
    """One token, two projects, two files."""
    token = issuer.token(groups=[OTHER, TEAM])
    for each in (project, other):
        headers = bearer(token, **{"openai-project": spell_project_id(each.id)})
        content = {"file": (f"{each.name}.jsonl", b'{"custom_id":"a"}\n')}
        await anonymous.post("/v1/files", files=content, data={"purpose": "batch"}, headers=headers)

    for each in (project, other):
        files = await service.stores.files.list(each.id, limit=3)
        assert [file.filename for file in files] == [f"{each.name}.jsonl"]


@pytest.mark.parametrize("named", ["proj_none", "default", "proj_" + "0" * 32])
async def test_nobody_gets_a_project_by_naming_it(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer, named: str
) -> None:
    """As of a key's: another one is refused in OpenAI's dialects, and not read in Azure's (contract 1.1)."""
    headers = bearer(issuer.token(), **{"openai-project": named})

    status, message = await refused(anonymous, headers)
    assert (status, "OpenAI-Project header should match" in message) == (401, True)
    assert (await anonymous.get(f"/openai/files{AZURE}", headers=headers)).status_code == 200
    several = bearer(issuer.token(groups=[OTHER]), **{"openai-project": named})
    assert (await refused(anonymous, several, f"/openai/files{AZURE}"))[0] == 403


async def test_a_role_bounds_what_may_be_done(anonymous: httpx.AsyncClient, service: Services, issuer: Issuer) -> None:
    """403 with the roles that would do; what the role allows goes on."""
    headers = bearer(issuer.token(roles=["Batch.Files.Read"]))

    assert (await anonymous.get("/v1/files", headers=headers)).status_code == 200
    status, message = await refused(anonymous, headers, "/v1/batches")
    assert (status, "Batch.Batches.Read or Batch.All" in message) == (403, True)


async def test_an_administrator_is_none_in_a_project(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer
) -> None:
    """By that role alone; with another beside it that one counts there."""
    alone = bearer(issuer.token(roles=["Batch.Admin"]))
    both = bearer(issuer.token(roles=["Batch.Admin", "Batch.Files.Read"]))

    assert (await refused(anonymous, alone))[0] == 403
    for headers in (alone, both):
        assert (await anonymous.get("/readyz", headers=headers)).status_code == 200
    assert (await anonymous.get("/v1/files", headers=both)).status_code == 200
    assert (await anonymous.get("/readyz", headers=both)).status_code == 200
    assert (await refused(anonymous, both, "/v1/batches"))[0] == 403


async def test_who_it_is_is_told_without_a_key(service: Services, issuer: Issuer, project: Project) -> None:
    """A caller as of a key, but for the key: the object of the directory, its project, its roles there."""
    token = issuer.token(roles=["Batch.Admin", "Batch.Files.Read"])

    caller = await authenticate(service, [token], Scope.FILES_READ)
    assert (caller.name, caller.project, caller.key_id, caller.models) == (PERSON, project, None, None)
    assert Scope.FILES_READ in caller.scopes
    assert caller.scopes.isdisjoint({Scope.ADMIN, Scope.FILES_WRITE, Scope.BATCHES_READ, Scope.BATCHES_WRITE})
    assert caller.opens == {Scope.ADMIN, Scope.USAGE, Scope.FILES_READ}
    administrator = await authenticate(service, [token], Scope.ADMIN)
    assert (administrator.name, administrator.project, administrator.key_id) == (PERSON, None, None)
    assert Scope.ADMIN in administrator.scopes
    assert Scope.FILES_READ not in administrator.scopes


async def test_one_who_may_not_administer_is_not_remembered_for_it(
    service: Services, issuer: Issuer, project: Project
) -> None:
    """Refused there, the same token still reads the usage of its project, which administrators read as well."""
    token = issuer.token(roles=["Batch.All"])

    with pytest.raises(Forbidden):
        await authenticate(service, [token], Scope.ADMIN)
    assert (await authenticate(service, [token], Scope.USAGE)).owner == project.id


async def test_an_archived_project_is_closed(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer, project: Project
) -> None:
    """Once what was remembered is over."""
    await change_project(service, project, archived_at=service.now())

    status, message = await refused(anonymous, bearer(issuer.token()))
    assert (status, "archived" in message) == (403, True)


@pytest.mark.parametrize("path", PATHS)
async def test_a_refused_token_says_why(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer, path: str
) -> None:
    """401 with what to do, also where keys are answered in Azure's words."""
    status, message = await refused(anonymous, bearer(issuer.token(exp=int(time.time()) - 90)), path)

    assert (status, "has expired. Ask for a new one" in message) == (401, True)


async def test_an_issuer_that_is_down_is_no_verdict(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer
) -> None:
    """503, to be tried again; API keys work meanwhile."""
    issuer.status = 503
    response = await anonymous.get("/v1/files", headers=bearer(issuer.token()))

    assert (response.status_code, "retry-after" in response.headers) == (503, True)
    assert (await anonymous.get("/v1/files", headers=bearer(KEY))).status_code == 200


async def test_a_caller_is_remembered_for_half_a_minute(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer, clock: Clock
) -> None:
    """Then the token is verified again."""
    headers = bearer(issuer.token())
    for seconds, verified in ((0, 1), (29, 1), (2, 2)):
        clock.now += timedelta(seconds=seconds)
        assert (await anonymous.get("/v1/files", headers=headers)).status_code == 200
        assert service.tokens.verified == verified  # type: ignore[union-attr]


async def test_a_caller_is_not_remembered_past_the_tokens_end(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer, clock: Clock
) -> None:
    """However short it is."""
    clock.now = datetime.now(UTC)
    headers = bearer(issuer.token(exp=int(time.time()) + 10))
    for seconds, verified in ((0, 1), (5, 1), (6, 2)):
        clock.now += timedelta(seconds=seconds)
        assert (await anonymous.get("/v1/files", headers=headers)).status_code == 200
        assert service.tokens.verified == verified  # type: ignore[union-attr]


async def test_a_token_is_a_wrong_key_where_no_tenant_is_set(
    anonymous: httpx.AsyncClient, services: Services, issuer: Issuer
) -> None:
    """Nobody is asked."""
    assert (await refused(anonymous, bearer(issuer.token())))[0] == 401
    assert issuer.asked == []


async def test_one_good_one_is_enough(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer, other: Project
) -> None:
    """A token beside a key (contract 6.3): the key decides nothing that the token does not, unless the token is bad."""
    key = await make_key(service, other)
    expired = issuer.token(exp=int(time.time()) - 90)

    assert (await anonymous.get("/v1/files", headers=bearer(issuer.token(), **{"api-key": "wrong"}))).status_code == 200
    assert (await anonymous.get("/v1/files", headers=bearer(expired, **{"api-key": key.text}))).status_code == 200


async def test_the_header_of_app_service_is_nothing_by_itself(anonymous: httpx.AsyncClient, service: Services) -> None:
    """Anybody can send it."""
    assert (await refused(anonymous, principal()))[0] == 401


@pytest.fixture
async def trusting(service: Services) -> AsyncIterator[Services]:
    """Behind App Service authentication."""
    settings = replace(service.settings, trust_client_principal=True)
    with use(replace(service, settings=settings)) as changed:
        yield changed


@pytest.mark.parametrize("path", PATHS)
async def test_a_sign_in_gets_in_where_it_is_trusted(
    anonymous: httpx.AsyncClient, trusting: Services, path: str
) -> None:
    """With the same roles and projects as a token."""
    assert (await anonymous.get(path, headers=principal())).status_code == 200
    assert (await refused(anonymous, principal(roles="Batch.Usage.Read"), path))[0] == 403
    assert (await refused(anonymous, principal(groups="unmapped"), path))[0] == 403
    assert (await refused(anonymous, principal(**{TENANT_CLAIM: "another"}), path))[0] == 401


async def test_a_key_is_never_completed_by_a_sign_in(anonymous: httpx.AsyncClient, trusting: Services) -> None:
    """Who presents a key or a token is judged by that alone."""
    assert (await refused(anonymous, principal() | bearer("wrong")))[0] == 401
    assert (await refused(anonymous, principal() | bearer("a.b.c")))[0] == 401
    assert (await refused(anonymous, principal() | {"api-key": "wrong"}))[0] == 401
    assert (await anonymous.get("/readyz", headers=bearer(KEY) | principal(roles="none"))).status_code == 200


async def test_two_sign_ins_are_none(anonymous: httpx.AsyncClient, trusting: Services) -> None:
    """What stands in front may have judged the other one."""
    (name, text), *_ = principal().items()

    assert (await anonymous.get("/v1/files", headers=[(name, text), (name, text)])).status_code == 401


async def test_a_page_of_another_site_cannot_use_the_sign_in(anonymous: httpx.AsyncClient, trusting: Services) -> None:
    """The browser would send its cookie along."""
    assert (await refused(anonymous, principal() | {"origin": "https://evil.example"}))[0] == 401
    assert (await anonymous.get("/v1/files", headers=principal() | {"origin": "http://service"})).status_code == 200


async def test_the_audit_log_names_who_signed_in(
    anonymous: httpx.AsyncClient, service: Services, issuer: Issuer
) -> None:
    """An administrator with a token is no bootstrap key."""
    headers = bearer(issuer.token(roles=["Batch.Admin"]))
    made = await anonymous.post("/v1/organization/projects", json={"name": "Theirs"}, headers=headers)
    log = (await anonymous.get("/v1/organization/audit_logs", headers=headers)).json()["data"]

    assert made.status_code == 200
    assert log[0]["actor"] == {"type": "session", "name": PERSON, "session": {"user": {"id": PERSON}}}
