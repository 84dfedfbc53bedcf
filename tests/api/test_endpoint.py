"""Authentication, request ids and errors, as every route shows them."""

from __future__ import annotations

import logging
import re

import httpx
import pytest

from shared.domain.errors import Unavailable
from shared.services import Services, use
from tests.api.harness import KEY
from tests.with_stores import with_stores


class FailingBatches:
    """A batch store that cannot list."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def list(self, owner: str, **page: object) -> list[object]:
        raise self._error


VERSION = "?api-version=2024-10-21"
DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY} "},
        {"api-key": KEY},
        {"authorization": f"Bearer {KEY}", "api-key": KEY},
        {"authorization": "Bearer some-token", "api-key": KEY},
        {"authorization": f"Bearer {KEY}", "api-key": "other"},
    ],
)
@pytest.mark.parametrize("path", ["/v1/files", "/openai/v1/files", f"/openai/files{VERSION}"])
async def test_a_key_in_either_header_gets_in(anonymous: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    """`Bearer`, `api-key`, or both with one valid, in every dialect (contract 6.3)."""
    assert (await anonymous.get(path, headers=headers)).status_code == 200


async def test_a_wrong_key_in_the_openai_dialect(anonymous: httpx.AsyncClient) -> None:
    """401 with all four keys of the envelope (contract 1.3)."""
    response = await anonymous.get("/v1/files", headers={"authorization": "Bearer wrong"})

    assert response.json() == {
        "error": {
            "message": "Incorrect API key. Check the key, and that it belongs to this service.",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_api_key",
        }
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/openai/files{VERSION}", {"code": "401", "message": DENIED}),
        ("/openai/v1/files", {"code": "401", "message": DENIED, "type": "error"}),
    ],
)
async def test_a_missing_key_in_the_azure_dialects(
    anonymous: httpx.AsyncClient, path: str, expected: dict[str, str]
) -> None:
    """401 as Azure's gateway says it (contract 1.3)."""
    assert (await anonymous.get(path)).json() == {"error": expected}


@pytest.mark.parametrize("query", ["", "?api-version=", "?api-version=2024-02-01", "?api-version=latest"])
async def test_azure_classic_needs_an_api_version_with_batches(api: httpx.AsyncClient, query: str) -> None:
    """404 `Resource not found`, as the gateway, for no version and for those before batches (contract 1.1)."""
    response = await api.get(f"/openai/files{query}")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "404")
    assert response.json()["error"]["message"].startswith("Resource not found")


@pytest.mark.parametrize("version", ["2024-07-01-preview", "2024-10-21", "2025-04-01-preview", "2027-01-01"])
async def test_azure_classic_accepts_every_version_with_batches(api: httpx.AsyncClient, version: str) -> None:
    """Newer versions than those known today are served too."""
    assert (await api.get(f"/openai/files?api-version={version}")).status_code == 200


@pytest.mark.parametrize("path", ["/v1/files", "/v1/files/file-none", "/openai/v1/files", "/openai/files"])
async def test_every_answer_has_a_request_id(api: httpx.AsyncClient, path: str) -> None:
    """`x-request-id` in every dialect, on success and on errors (contract 1.2, 9.1 no. 16)."""
    response = await api.get(path)

    assert re.fullmatch("req_[0-9a-f]{32}", response.headers["x-request-id"])


async def test_azure_answers_carry_apim_request_id(api: httpx.AsyncClient) -> None:
    """A UUID, the same bits as `x-request-id` (contract 1.2)."""
    headers = (await api.get("/openai/v1/files")).headers

    assert headers["apim-request-id"].replace("-", "") == headers["x-request-id"].removeprefix("req_")


async def test_openai_answers_carry_no_apim_request_id(api: httpx.AsyncClient) -> None:
    """That header is Azure's alone."""
    assert "apim-request-id" not in (await api.get("/v1/files")).headers


@pytest.mark.parametrize("path", ["/v1/batches", f"/openai/batches{VERSION}", "/openai/v1/batches"])
async def test_a_bug_shows_no_detail(
    api: httpx.AsyncClient,
    services: Services,
    path: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """500 with the request id; the reason is in the log under the same id."""
    broken = FailingBatches(RuntimeError("secret detail"))
    with caplog.at_level(logging.ERROR), use(with_stores(services, batches=broken)):
        response = await api.get(path)

    assert response.status_code == 500
    assert "secret detail" not in response.text
    assert response.headers["x-request-id"] in response.text
    assert [record.request_id for record in caplog.records] == [response.headers["x-request-id"]]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/batches", {"message": "down", "type": "server_error", "param": None, "code": None}),
        (f"/openai/batches{VERSION}", {"code": "serviceUnavailable", "message": "down"}),
        ("/openai/v1/batches", {"code": "serviceUnavailable", "message": "down", "type": "error"}),
    ],
)
async def test_a_dependency_that_is_down(
    api: httpx.AsyncClient,
    services: Services,
    path: str,
    expected: dict[str, object],
) -> None:
    """503, which SDKs try again (contract 6.5)."""
    with use(with_stores(services, batches=FailingBatches(Unavailable("down")))):
        response = await api.get(path)

    assert (response.status_code, response.json()) == (503, {"error": expected})
    assert response.headers["retry-after"] == "2"


async def test_the_callers_key_reaches_no_log(anonymous: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a right nor a wrong key is logged, at any level."""
    with caplog.at_level(logging.DEBUG):
        await anonymous.get("/v1/files", headers={"authorization": "Bearer wrong-key-value", "api-key": KEY})
        await anonymous.get("/v1/files", headers={"authorization": "Bearer wrong-key-value"})
    ours = [record for record in caplog.records if record.name.startswith(("api", "shared"))]

    assert not [record for record in ours if "wrong-key-value" in str(vars(record)) or KEY in str(vars(record))]
