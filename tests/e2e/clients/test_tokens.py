"""Unmodified SDKs with tokens of Entra ID: `AzureOpenAI(azure_ad_token_provider=...)` and a plain bearer token.

The issuer is one of ours on loopback; no real tenant was asked (docs/entra.md).
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from bench.programs import Mock, Service
from tests import entra_issuer
from tests.e2e.clients.conftest import HERE, program_of
from tests.entra_issuer import AUDIENCE, CLIENT, TENANT, Issuer

WAYS = ("provider", "token", "bearer", "bearer_azure_v1")
RELEASES = [("openai-1.30.0", WAYS), ("openai-newest", (*WAYS, "callable_key"))]


class Tenant(NamedTuple):
    issuer: Issuer
    service: Service


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory, mock: Mock) -> Iterator[Tenant]:
    with entra_issuer.running() as issuer:
        program = Service(
            tmp_path_factory.mktemp("tokens"),
            mock.url,
            BATCH_ENTRA_TENANT=TENANT,
            BATCH_ENTRA_AUDIENCE=AUDIENCE,
            BATCH_ENTRA_AUTHORITY=issuer.url,
            BATCH_ENTRA_PROJECTS=json.dumps({f"azp:{CLIENT}": "default"}),
            BATCH_HEARTBEAT_SECONDS="0.2",
        )
        program.start()
        yield Tenant(issuer, program)
        program.stop()


def visited(tenant: Tenant, release: str, token: str, *ways: str) -> dict[str, Any]:
    command = [*program_of(release), HERE / "token_flow.py", tenant.service.url, token, *ways]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.parametrize(("release", "ways"), RELEASES, ids=[release for release, _ in RELEASES])
def test_a_batch_runs_with_a_token(tenant: Tenant, release: str, ways: tuple[str, ...]) -> None:
    """In every way that a release has to hand one over; a provider is asked for it."""
    seen = visited(tenant, release, tenant.issuer.token(), *ways)

    assert seen == {
        way: {"status": "completed", "custom_ids": ["c1"], "asked": way in ("provider", "callable_key")} for way in ways
    }


@pytest.mark.parametrize("release", [release for release, _ in RELEASES])
def test_a_refused_token_says_why(tenant: Tenant, release: str) -> None:
    """401 for a token that is over, 403 for one without a role; what to do is in the SDK's error."""
    expired = visited(tenant, release, tenant.issuer.token(exp=int(time.time()) - 90), "provider", "bearer")
    powerless = visited(tenant, release, tenant.issuer.token(roles=[]), "provider", "bearer")

    for way in ("provider", "bearer"):
        assert (expired[way]["refused"], "has expired" in expired[way]["text"]) == (401, True)
        assert (powerless[way]["refused"], "Batch.All" in powerless[way]["text"]) == (403, True)


def test_a_token_with_as_many_groups_as_there_can_be_fits(tenant: Tenant) -> None:
    """A header of 11 kB passes the server in front; one of a megabyte does not, and the service lives on."""
    groups = [f"{number:08}-0000-0000-0000-000000000000" for number in range(200)]
    huge = tenant.issuer.token(groups=groups * 125)

    with httpx.Client(base_url=tenant.service.url, timeout=60) as http:
        with contextlib.suppress(httpx.NetworkError, httpx.RemoteProtocolError):  # The server may hang up on it.
            refused = http.get("/v1/batches", headers={"authorization": f"Bearer {huge}"})
            assert refused.status_code in (400, 401, 431)
        token = tenant.issuer.token(groups=groups)
        assert http.get("/v1/batches", headers={"authorization": f"Bearer {token}"}).status_code == 200
