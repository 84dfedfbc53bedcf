import json

import pytest

from shared.domain.deployments.deployment import Deployment, UpstreamKind
from shared.domain.upstream.upstream import build_request

CHAT = "/v1/chat/completions"
BODY = b'{"model":"gpt","messages":[],"seed":1.50}'


def deployment(**changes) -> Deployment:
    return Deployment(**{"name": "gpt", "base_url": "http://up:8000", **changes})


def azure(**changes) -> Deployment:
    return deployment(**{"base_url": "https://x.openai.azure.com", "kind": UpstreamKind.AZURE, **changes})


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://up:8000", "http://up:8000/v1/chat/completions"),
        ("http://up:8000/", "http://up:8000/v1/chat/completions"),
        ("http://up:8000/v1", "http://up:8000/v1/chat/completions"),
        ("http://up:8000/v1/", "http://up:8000/v1/chat/completions"),
        ("https://host/llm", "https://host/llm/v1/chat/completions"),
        ("https://host/api/paas/v4/", "https://host/api/paas/v4/chat/completions"),
        ("https://host/v1beta/openai/", "https://host/v1beta/openai/chat/completions"),
        ("https://host/openai/v1?api-version=preview", "https://host/openai/v1/chat/completions?api-version=preview"),
    ],
)
def test_openai_url(base_url, url):
    """An OpenAI-style base URL may end with a slash, a version or neither."""
    assert build_request(deployment(base_url=base_url), CHAT, BODY).url == url


@pytest.mark.parametrize(
    ("endpoint", "changes", "path"),
    [
        (CHAT, {"api_version": "2024-10-21"}, "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"),
        (
            CHAT,
            {"api_version": "2024-10-21", "model": "a b"},
            "/openai/deployments/a%20b/chat/completions?api-version=2024-10-21",
        ),
        (CHAT, {}, "/openai/v1/chat/completions"),
        (CHAT, {"api_version": "preview"}, "/openai/v1/chat/completions?api-version=preview"),
        (CHAT, {"api_version": "v1"}, "/openai/v1/chat/completions?api-version=v1"),
        ("/v1/responses", {"api_version": "2025-03-01-preview"}, "/openai/v1/responses"),
        ("/v1/embeddings", {"api_version": "2024-10-21"}, "/openai/deployments/gpt/embeddings?api-version=2024-10-21"),
    ],
)
@pytest.mark.parametrize("suffix", ["", "/", "/openai", "/openai/", "/openai/v1", "/openai/v1/"])
def test_azure_url(endpoint, changes, path, suffix):
    """Azure takes the v1 path or, with a dated api_version, the classic one; the base URL may carry either's start."""
    target = azure(base_url=f"https://x.openai.azure.com{suffix}", **changes)

    assert build_request(target, endpoint, BODY).url == f"https://x.openai.azure.com{path}"


def test_openai_credential():
    """An OpenAI-style upstream gets its key as a bearer token, without the white space a file leaves around it."""
    request = build_request(deployment(api_key="secret\n"), CHAT, BODY)

    assert request.headers["Authorization"] == "Bearer secret"
    assert not request.identity


def test_no_credential():
    """An OpenAI-style upstream without a key is sent none."""
    request = build_request(deployment(), CHAT, BODY)

    assert "Authorization" not in request.headers
    assert not request.identity


def test_azure_key():
    """Azure gets its key in `api-key` and no bearer token."""
    request = build_request(azure(api_key="secret"), CHAT, BODY)

    assert request.headers["api-key"] == "secret"
    assert "Authorization" not in request.headers
    assert not request.identity


def test_azure_identity():
    """Azure without a key is marked for the managed identity."""
    request = build_request(azure(), CHAT, BODY)

    assert request.identity
    assert "api-key" not in request.headers


def test_requests_do_not_show_secrets():
    """Neither key nor prompt appears where a request is printed."""
    request = build_request(deployment(api_key="secret"), CHAT, BODY)

    assert "secret" not in repr(request)
    assert "seed" not in repr(request)


@pytest.mark.parametrize("changes", [{}, {"model": "gpt"}])
def test_body_passes_through(changes):
    """A body that names the upstream's model already is sent byte for byte."""
    assert build_request(deployment(**changes), CHAT, BODY).body is BODY


def test_model_is_replaced():
    """The upstream's own model name takes the place of ours; everything else stays byte for byte."""
    sent = build_request(deployment(model='big-"2"'), CHAT, BODY).body

    assert sent == b'{"model":"big-\\"2\\"","messages":[],"seed":1.50}'


def test_nested_model_stays():
    """Only the top-level `model` is the model's name."""
    sent = build_request(deployment(model="big"), CHAT, b'{"tools":[{"model":"gpt"}],"model":"gpt"}').body

    assert json.loads(sent) == {"tools": [{"model": "gpt"}], "model": "big"}
