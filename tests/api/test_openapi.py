"""The OpenAPI document beside the app that it describes. Every other test of the API holds its answers to it, too."""

from __future__ import annotations

import httpx
import jsonschema_rs
import pytest

from api.mounts import MOUNTS
from api.openapi.operations import OPERATIONS
from local_host.app.function_index import HttpFunction
from shared.version import VERSION
from tests.api.description import check, document, documents
from tests.api.harness import app_index, handler_names


def described_functions() -> list[HttpFunction]:
    """All but the catch-alls and the page's."""
    return [each for each in app_index().http if "{*" not in each.route and not each.name.startswith("page")]


def test_every_route_is_described_and_nothing_else() -> None:
    """The documents' paths and methods are those that the app registers."""
    described = {(method.upper(), path) for path, item in document()["paths"].items() for method in item}
    registered = {(method, f"/{function.route}") for function in described_functions() for method in function.methods}

    assert described == registered


def test_operations_are_those_of_the_handlers() -> None:
    """`api/openapi/operations.py` has an entry for each handler and none that is left over."""
    assert set(OPERATIONS) == handler_names()


def test_operation_ids_are_function_names() -> None:
    """An operation is called as its function on the platform is: unique, and the same in logs."""
    ids = [operation["operationId"] for item in document()["paths"].values() for operation in item.values()]

    assert sorted(ids) == sorted(function.name for function in described_functions())


@pytest.mark.parametrize("name", sorted(document()["components"]["schemas"]))
def test_component_is_a_schema(name: str) -> None:
    """Every component is valid JSON Schema and is used."""
    jsonschema_rs.meta.validate(document()["components"]["schemas"][name])

    assert f'"#/components/schemas/{name}"' in str(document()).replace("'", '"')


def test_version_is_the_projects() -> None:
    """The document carries the version of the whole."""
    assert document()["info"]["version"] == VERSION


@pytest.mark.parametrize("prefix", sorted(documents()))
async def test_the_document_is_served_to_everyone(anonymous: httpx.AsyncClient, prefix: str) -> None:
    """`GET …/openapi.json` under each prefix needs no key and answers the whole document of that dialect."""
    response = await anonymous.get(f"/{prefix}/openapi.json")

    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == documents()[prefix]


@pytest.mark.parametrize(
    ("prefix", "mounts"),
    [
        ("v1", {"openai", "organization"}),
        ("v1/openai", {"deepinfra"}),
        ("batch-api/v1", {"compass", "compass_logs"}),
        ("openai/v1", {"azure_v1"}),
        ("openai", {"azure", "azure_deployment"}),
    ],
)
def test_a_document_is_of_one_dialect(prefix: str, mounts: set[str]) -> None:
    """It describes what is under the dialect's prefix, old SDKs' paths included, and what no dialect has."""
    ids = {operation["operationId"] for item in documents()[prefix]["paths"].values() for operation in item.values()}

    expected = {
        f"{mount.name}_{route.handler.__name__}"
        for mount in MOUNTS
        for route in mount.all_routes
        if mount.name in mounts
    }
    assert ids - {f"{mount}_openapi" for mount in mounts} == expected | {"healthz", "readyz"}


@pytest.mark.parametrize(
    ("status", "content", "complaint"),
    [
        (418, {"object": "list"}, "not said to answer 418"),
        (200, {"object": "list", "data": []}, "first_id"),
        (200, {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False, "more": 1}, "more"),
    ],
)
async def test_undescribed_answers_are_found(status: int, content: dict[str, object], complaint: str) -> None:
    """The check behind the other tests fails for a status, a missing key and an extra key that are not described."""
    request = httpx.Request("GET", "http://service/v1/files")
    response = httpx.Response(status, json=content, headers={"x-request-id": "req_1"}, request=request)

    with pytest.raises((AssertionError, jsonschema_rs.ValidationError), match=complaint):
        await check(response)


@pytest.mark.parametrize("prefix", sorted(documents()))
def test_a_model_with_slashes_is_described(prefix: str) -> None:
    """OpenAPI has no parameter that spans segments: the document says how such an id is sent."""
    (parameter, *_) = documents()[prefix]["paths"][f"/{prefix}/models/{{model}}"]["get"]["parameters"]

    assert (parameter["name"], parameter["example"]) == ("model", "org/name")
    assert "%2F" in parameter["description"]
