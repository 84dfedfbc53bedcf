"""Calls that no route takes: each prefix answers as its vendor does, to everyone."""

from __future__ import annotations

import httpx
import pytest

OPENAI_ERROR = {"type": "invalid_request_error", "param": None, "code": None}
ADMINISTRATION = (
    "Administration is under /v1/organization: projects, keys, models of a project and the audit log. Call that, with "
    "OpenAI's client and not Azure's."
)
ELSEWHERE = "This service answers batches and their files; send other calls to the model's own address."


def how_to(prefix: str, named: str = "") -> str:
    """What callers are told who take the service for a model."""
    return (
        f"This service answers batches: upload a JSONL file with one request a line (POST {prefix}/files, purpose "
        f"'batch'), then create a batch of it (POST {prefix}/batches{named}). For an answer at once, call the model's "
        f"own address. All calls: GET {prefix}/openapi.json"
    )


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("prefix", ["/v1", "/v1/openai"])
async def test_unknown_path_at_openai(anonymous: httpx.AsyncClient, method: str, prefix: str) -> None:
    """OpenAI's sentence, with 404; DeepInfra's dialect has OpenAI's shapes."""
    response = await anonymous.request(method, f"{prefix}/chat/completions")

    hint = how_to(prefix, ", with endpoint '/v1/chat/completions'")
    expected = {"error": {"message": f"Invalid URL ({method} {prefix}/chat/completions). {hint}", **OPENAI_ERROR}}
    assert (response.status_code, response.json()) == (404, expected)
    assert response.headers["x-request-id"].startswith("req_")
    assert "apim-request-id" not in response.headers


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("prefix", "more"),
    [("/openai", {}), ("/openai/v1", {"type": "error"}), ("/openai/deployments/gpt", {})],
)
async def test_unknown_path_at_azure(
    anonymous: httpx.AsyncClient, method: str, prefix: str, more: dict[str, str]
) -> None:
    """The gateway's code and words, without an api-version as well."""
    response = await anonymous.request(method, f"{prefix}/chat/completions")

    hint = how_to(prefix.removesuffix("/deployments/gpt"), ", with endpoint '/chat/completions'")
    message = f"Resource not found: {method} {prefix}/chat/completions. {hint}"
    assert (response.status_code, response.json()) == (404, {"error": {"code": "404", "message": message, **more}})
    assert {"x-request-id", "apim-request-id"} <= response.headers.keys()


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/v1/responses", how_to("/v1", ", with endpoint '/v1/responses'")),
        ("/v1/embeddings/", how_to("/v1", ", with endpoint '/v1/embeddings'")),
        ("/v1/images/generations", how_to("/v1", ", with endpoint '/v1/images/generations'")),
        ("/v1/openai/completions", how_to("/v1/openai", ", with endpoint '/v1/completions'")),
        ("/v1/openai/responses", how_to("/v1/openai")),
        ("/openai/v1/Responses", how_to("/openai/v1", ", with endpoint '/responses'")),
        ("/v1/engines/gpt", how_to("/v1")),
        ("/openai/engines/gpt", how_to("/openai")),
        ("/v1/responses/resp_1", how_to("/v1")),
        ("/v1/audio/speech", how_to("/v1")),
        ("/v1/vector_stores", f"{ELSEWHERE} All calls: GET /v1/openapi.json"),
        ("/v1/organization/openapi.json", f"{ADMINISTRATION} All calls: GET /v1/openapi.json"),
        ("/v1/organization/users", f"{ADMINISTRATION} All calls: GET /v1/openapi.json"),
        ("/openai/organization/projects", f"{ADMINISTRATION} All calls: GET /openai/openapi.json"),
        ("/openai/deployments/gpt", f"{ELSEWHERE} All calls: GET /openai/openapi.json"),
    ],
)
async def test_what_is_served_here(anonymous: httpx.AsyncClient, path: str, hint: str) -> None:
    """Whoever takes the service for a model learns how to send a batch; all are told where the calls are described."""
    message = (await anonymous.get(path)).json()["error"]["message"]

    assert message.endswith((f"{path}). {hint}", f"{path}. {hint}"))


@pytest.mark.parametrize("prefix", ["/v1", "/v1/openai"])
@pytest.mark.parametrize(
    ("method", "path", "allowed", "hint"),
    [
        ("DELETE", "webhook_event_types", "GET", "GET"),
        ("OPTIONS", "files/file-1", "DELETE, GET", "DELETE or GET"),
        ("PUT", "files", "GET, POST", "GET or POST"),
        ("PATCH", "FILES/", "GET, POST", "GET or POST"),
        ("GET", "batches/batch_1/cancel", "POST", "POST"),
        ("POST", "openapi.json", "GET", "GET"),
    ],
)
async def test_wrong_method_at_openai(
    anonymous: httpx.AsyncClient, prefix: str, method: str, path: str, allowed: str, hint: str
) -> None:
    """405 with `Allow`."""
    response = await anonymous.request(method, f"{prefix}/{path}")

    message = f"Not allowed to {method} on {prefix}/{path}. Use {hint} there. All calls: GET {prefix}/openapi.json"
    assert (response.status_code, response.json()) == (405, {"error": {"message": message, **OPENAI_ERROR}})
    assert response.headers["allow"] == allowed
    assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("path", "status", "allowed"), [("/v1/files/file-1", 405, "DELETE, GET"), ("/openai/files", 404, None)]
)
async def test_head_of_what_has_none(anonymous: httpx.AsyncClient, path: str, status: int, allowed: str | None) -> None:
    """The same answer without its body; only a file's content has a HEAD."""
    response = await anonymous.head(path)

    assert (response.status_code, response.headers.get("allow"), response.content) == (status, allowed, b"")
    assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("prefix", ["/openai", "/openai/v1", "/openai/deployments/gpt"])
async def test_wrong_method_at_azure(anonymous: httpx.AsyncClient, prefix: str) -> None:
    """To the gateway an operation is a method and a path: it knows no 405."""
    response = await anonymous.delete(f"{prefix}/webhook_event_types")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "404")


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v1//files", "/V1/Nothing", "/v1/files/a/b/c", "/v1/a%0Ab", "/v1/docs"]
)
async def test_everything_under_a_prefix_is_answered(anonymous: httpx.AsyncClient, path: str) -> None:
    """The prefix itself, empty segments, capitals and line breaks included."""
    response = await anonymous.get(path)

    assert (response.status_code, response.json()["error"]["type"]) == (404, "invalid_request_error")


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/v11", "//v1/files"])
async def test_elsewhere_nothing_is_said(anonymous: httpx.AsyncClient, path: str) -> None:
    """A bare 404, as the platform's. At `/` is the page."""
    response = await anonymous.get(f"http://service{path}")

    assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize("path", ["/v1/organization/openapi.json", "/openai/deployments/gpt/openapi.json"])
async def test_no_document_is_promised_where_there_is_none(anonymous: httpx.AsyncClient, path: str) -> None:
    """Two mounts are described in the document of their dialect: another method is not told to use GET."""
    assert (await anonymous.post(path)).status_code == 404
