"""`/readyz` over HTTP: who may ask, which status answers what, and the durable client it really uses."""

from __future__ import annotations

from dataclasses import replace

import azure.durable_functions as df
import httpx
import pytest
from azure.durable_functions.models.utils import http_utils

from api.edge.dialect import OPENAI
from api.edge.endpoint import client_endpoint
from api.edge.health import readyz
from local_host.durable.client_rpc import binding_json
from shared.domain.deployments.deployment import Deployment
from shared.domain.errors import Unavailable
from shared.domain.keys.scopes import Scope
from shared.domain.upstream.upstream import FailureKind, UpstreamFailure
from shared.services import use
from tests.upstream.servers import saying, serving
from tests.with_stores import with_stores


class Away:
    """An upstream that is not there, or a store that is down."""

    async def send(self, _request: object, _share: object = None) -> UpstreamFailure:
        return UpstreamFailure(kind=FailureKind.CONNECTION, detail="Connecting to the upstream failed.")

    async def put(self, _name: str, _data: bytes) -> None:
        raise Unavailable("The storage account does not answer; try again in a minute.")


async def test_a_service_that_is_well_is_ready(api):
    """200 and every check."""
    response = await api.get("/readyz")

    assert response.status_code == 200
    assert response.json()["status"] == "ok"
    assert {check["status"] for check in response.json()["checks"]} == {"ok"}
    assert response.headers["cache-control"] == "no-store"


async def test_readiness_needs_a_key(anonymous):
    """It names deployments and settings."""
    assert (await anonymous.get("/readyz")).status_code == 401


async def test_a_store_that_is_down_is_503(api, services):
    """Nothing works without it."""
    with use(with_stores(services, blobs=Away())):
        response = await api.get("/readyz")

    assert response.status_code == 503
    assert response.json()["status"] == "failed"


async def test_an_upstream_that_is_down_is_200(api, services):
    """Uploads and creates work, and batches wait: traffic must go on reaching the service."""
    deployments = {"m": Deployment(name="m", base_url="https://api.example/v1")}
    with use(replace(services, settings=replace(services.settings, deployments=deployments), upstream=Away())):
        response = await api.get("/readyz")

    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert [check["name"] for check in response.json()["checks"] if check["status"] == "failed"] == ["upstream:m"]


async def test_a_durable_extension_that_is_down_is_503(api, durable):
    """Batches are taken in, but none moves on."""
    durable.error = RuntimeError("down")

    assert (await api.get("/readyz")).status_code == 503


async def test_a_vault_reference_is_found_in_the_environment(api, monkeypatch):
    """The app settings are the process's environment."""
    monkeypatch.setenv("UPSTREAM_KEY", "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/x)")
    response = await api.get("/readyz")

    assert response.status_code == 503
    assert "UPSTREAM_KEY" in response.text
    assert "vault.example" not in response.text


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]", 200),
        (b'HTTP/1.1 500 Bad\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{"Message":"down"}', 503),
    ],
)
async def test_the_durable_client_is_really_asked(services, answer, status):
    """The SDK's own client on a loopback extension: its `get_status` would take the 500 for an answer."""
    request = httpx.Request("GET", "http://service/readyz")
    async with serving(saying(answer)) as url:
        client = df.DurableOrchestrationClient(binding_json(f"{url}/"))
        response = await client_endpoint(readyz, OPENAI, Scope.ADMIN)(_starlette(request), client)
        await http_utils._close_session()  # It is of this event loop, and would be kept for the next test's.

    assert response.status_code == status


def _starlette(request: httpx.Request) -> object:
    from starlette.requests import Request

    from tests.api.harness import KEY

    headers = [(b"api-key", KEY.encode())]
    return Request({"type": "http", "method": "GET", "path": request.url.path, "query_string": b"", "headers": headers})
