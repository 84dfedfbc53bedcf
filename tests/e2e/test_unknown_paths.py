"""What each host does with calls that no route takes: the app answers under its prefixes, nobody elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bench.programs import KEY, Service, chat_line, jsonl
from tests.e2e.caller import AZURE_V1, CLASSIC, COMPASS, DEEPINFRA, DEPLOYMENT, OPENAI

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
AZURE_HEADERS = {"x-request-id", "apim-request-id"}
OPENAI_ERROR = {"type": "invalid_request_error", "param": None, "code": None}
# Prefix -> headers, and what the error has beside its message.
ANSWERS: dict[str, tuple[set[str], dict[str, Any]]] = {
    OPENAI: ({"x-request-id"}, OPENAI_ERROR),
    DEEPINFRA: ({"x-request-id"}, OPENAI_ERROR),
    COMPASS: ({"x-request-id"}, OPENAI_ERROR),
    CLASSIC: (AZURE_HEADERS, {"code": "404"}),
    AZURE_V1: (AZURE_HEADERS, {"code": "404", "type": "error"}),
    DEPLOYMENT: (AZURE_HEADERS, {"code": "404"}),
}


@pytest.fixture(scope="module")
def anonymous(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30) as client:
        yield client


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mount", ANSWERS)
def test_unknown_path(anonymous: httpx.Client, mount: str, method: str) -> None:
    """404 in the dialect of the longest prefix, whatever the method, body or not, without a key."""
    response = anonymous.request(method, f"{mount}/chat/completions", content=b"{}" if method == "POST" else None)
    headers, error = ANSWERS[mount]

    assert response.status_code == 404
    assert headers <= response.headers.keys()
    if method != "HEAD":
        assert f"{method} {mount}/chat/completions" in response.json()["error"].pop("message")
        assert response.json()["error"].items() >= error.items()


@pytest.mark.parametrize("mount", [OPENAI, DEEPINFRA])
def test_wrong_method(anonymous: httpx.Client, mount: str) -> None:
    """405 and the methods, where the vendor answers so."""
    response = anonymous.put(f"{mount}/batches/batch_1")

    assert (response.status_code, response.headers["allow"]) == (405, "DELETE, GET, POST")
    assert response.json()["error"].items() >= OPENAI_ERROR.items()
    assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(("method", "path"), [("GET", "files"), ("POST", "files/import"), ("DELETE", "files/file-1")])
@pytest.mark.parametrize("mount", ANSWERS)
def test_routes_come_first(anonymous: httpx.Client, mount: str, method: str, path: str) -> None:
    """What has a route asks for a key: no catch-all stands in its way."""
    assert anonymous.request(method, f"{mount}/{path}").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "usage_reports", 401), ("GET", "usage_reports", 405), ("POST", "usage_reports/x", 404)],
)
def test_reports_have_a_prefix_of_their_own(anonymous: httpx.Client, method: str, path: str, status: int) -> None:
    """Answered in the dialect that they belong to (contract 9.4)."""
    response = anonymous.request(method, f"/logs/v1/admin/{path}")

    assert (response.status_code, response.json()["error"]["type"]) == (status, "invalid_request_error")


@pytest.mark.parametrize("path", ["openapi.json", "docs", "docs/oauth2-redirect", "redoc", "nothing", "/v1/files"])
def test_elsewhere_nobody_answers(anonymous: httpx.Client, path: str) -> None:
    """A bare 404. Where the worker's own web server has pages a call would never end."""
    response = anonymous.get(f"{anonymous.base_url}/{path}")

    assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize("path", ["..%2Fdocs", "%252e%252e/docs", "..%5Cdocs", "%252e%252e%252fopenapi.json"])
def test_no_spelling_leads_there(anonymous: httpx.Client, path: str) -> None:
    """Dots and slashes, encoded once or twice, stay under the prefix."""
    response = anonymous.get(f"/v1/{path}")

    assert (response.status_code, response.json()["error"]["type"]) == (404, "invalid_request_error")


@pytest.mark.parametrize(("path", "status"), [("a%0Ab", 404), ("files/a%0Ab", 401), ("files/a%0A/content", 401)])
def test_line_breaks_reach_the_app(anonymous: httpx.Client, path: str, status: int) -> None:
    """The worker's web server would answer such a path by itself, and the function that waits for it would never end."""
    response = anonymous.get(f"/v1/{path}")

    assert response.status_code == status
    assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("mount", [OPENAI, DEEPINFRA, COMPASS, CLASSIC, AZURE_V1])
def test_the_document_is_under_every_prefix(anonymous: httpx.Client, mount: str) -> None:
    """Anyone may read what the prefix serves."""
    response = anonymous.get(f"{mount}/openapi.json")

    assert (response.status_code, response.json()["openapi"]) == (200, "3.1.0")
    assert f"{mount}/batches" in response.json()["paths"]


@pytest.mark.parametrize("mount", [CLASSIC, AZURE_V1])
def test_slashes_that_are_escaped(service: Service, mount: str) -> None:
    """`Azure.AI.OpenAI` for .NET sends `uploads%2F{id}%2Fparts`: one segment to each host's router (contract 9.6)."""
    line = jsonl(chat_line(1))
    asked = {"filename": "a.jsonl", "purpose": "batch", "bytes": len(line), "mime_type": "application/jsonl"}
    version = {"api-version": "2024-10-21"} if mount == CLASSIC else {}
    with httpx.Client(base_url=service.url, headers={"api-key": KEY}, params=version, timeout=30) as client:
        upload = f"{mount}/uploads%2F{client.post(f'{mount}/uploads', json=asked).json()['id']}%2F"
        part = client.post(f"{upload}parts", files={"data": ("a", line)})
        done = client.post(f"{upload}complete", json={"part_ids": [part.json()["id"]]})
        content = client.get(f"{mount}/files/{done.json()['file']['id']}/content")
        late = client.post(f"{upload}cancel")

    assert (part.status_code, done.status_code, content.content, late.status_code) == (200, 200, line, 409)


@pytest.mark.parametrize("path", ["", "ui", "ui/", "UI"])
def test_the_front_page_is_ours(anonymous: httpx.Client, path: str) -> None:
    """At the root as well: with `AzureWebJobsDisableHomepage` the platform's page of 149 kB makes room."""
    response = anonymous.get(f"{anonymous.base_url}/{path}")

    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Durable Batch</title>" in response.text
    assert response.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_page_finds_its_files(anonymous: httpx.Client) -> None:
    """Each one that it names, packed; they may be kept for ever."""
    named = re.findall(r'(?:href|src)="(/ui/[^"]+)"', anonymous.get(f"{anonymous.base_url}/").text)
    answers = [anonymous.get(f"{anonymous.base_url}{path}") for path in named]

    assert len(named) > 10
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}
    assert {answer.headers["content-encoding"] for answer in answers} == {"gzip"}


@pytest.mark.parametrize("mount", [OPENAI, DEEPINFRA, AZURE_V1])
@pytest.mark.parametrize("spelled", ["org/name", "org%2Fname", "org/a%2Fname"])
def test_a_models_name_with_slashes(anonymous: httpx.Client, mount: str, spelled: str) -> None:
    """It is one name to every host, however it is spelled: what is looked up, and not found, is all of it."""
    response = anonymous.get(f"{mount}/models/{spelled}", headers={"api-key": KEY})

    assert response.status_code == 404
    assert f"The model `{spelled.replace('%2F', '/')}` does not exist" in response.json()["error"]["message"]
