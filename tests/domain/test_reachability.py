"""Which call tells whether an upstream is there, and what its answer says to an operator."""

from __future__ import annotations

import pytest

from shared.domain.deployments.deployment import Deployment, UpstreamKind
from shared.domain.upstream.reachability import Verdict, judge, list_models
from shared.domain.upstream.upstream import FailureKind, UpstreamFailure, UpstreamResponse

AZURE = UpstreamKind.AZURE


def openai(**changes):
    return Deployment(**({"name": "m", "base_url": "https://api.example/v1"} | changes))


def azure(**changes):
    return Deployment(**({"name": "m", "base_url": "https://x.openai.azure.com", "kind": AZURE} | changes))


def said(deployment, status):
    return judge(deployment, UpstreamResponse(status=status, headers={}, body=b"secret words"))


@pytest.mark.parametrize(
    ("deployment", "url"),
    [
        (openai(), "https://api.example/v1/models"),
        (openai(base_url="http://127.0.0.1:8080"), "http://127.0.0.1:8080/v1/models"),
        (openai(base_url="https://h/api/paas/v4/"), "https://h/api/paas/v4/models"),
        (azure(), "https://x.openai.azure.com/openai/v1/models"),
        (azure(api_version="preview"), "https://x.openai.azure.com/openai/v1/models?api-version=preview"),
        (azure(api_version="2024-10-21"), "https://x.openai.azure.com/openai/models?api-version=2024-10-21"),
        (azure(base_url="https://x.openai.azure.com/openai/v1/"), "https://x.openai.azure.com/openai/v1/models"),
    ],
)
def test_the_call_is_the_list_of_models(deployment, url):
    """Every kind of upstream has one, at the path its base URL and version ask for."""
    request = list_models(deployment, 3)

    assert (request.method, request.url, request.timeout_seconds) == ("GET", url, 3)


def test_the_call_carries_the_credential():
    """As the requests of a batch do: bearer, api-key, or the managed identity."""
    assert list_models(openai(api_key="k"), 1).headers["Authorization"] == "Bearer k"
    assert list_models(azure(api_key="k"), 1).headers["api-key"] == "k"
    assert [list_models(it, 1).identity for it in (openai(), azure(api_key="k"), azure())] == [False, False, True]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.OK),
        (302, Verdict.DEGRADED),
        (400, Verdict.DEGRADED),
        (401, Verdict.FAILED),
        (403, Verdict.FAILED),
        (404, Verdict.OK),
        (405, Verdict.OK),
        (429, Verdict.DEGRADED),
        (500, Verdict.DEGRADED),
        (501, Verdict.OK),
        (503, Verdict.DEGRADED),
    ],
)
def test_every_status_has_its_verdict(status, verdict):
    """A credential that is refused is a failure; a server without a list of models is well."""
    assert said(openai(), status).verdict is verdict


@pytest.mark.parametrize(
    ("deployment", "advice"),
    [
        (openai(api_key="k", api_key_env="UPSTREAM_KEY"), "Check the key in UPSTREAM_KEY"),
        (openai(api_key="k"), "Check the deployment's `api_key`"),
        (openai(), "has no key: set `api_key_env`"),
        (azure(), "role Cognitive Services OpenAI User"),
        (azure(api_key="k", api_key_env="UPSTREAM_KEY"), "Check the key in UPSTREAM_KEY"),
    ],
)
def test_a_refused_credential_is_named(deployment, advice):
    """The advice is about the credential that was used."""
    assert advice in said(deployment, 401).message


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        (FailureKind.UNREACHABLE, Verdict.FAILED),
        (FailureKind.CONNECTION, Verdict.FAILED),
        (FailureKind.TIMEOUT, Verdict.FAILED),
        (FailureKind.IDENTITY, Verdict.FAILED),
        (FailureKind.TOO_LARGE, Verdict.OK),
    ],
)
def test_every_failure_has_its_verdict(kind, verdict):
    """Only a list too long to read is no failure of the upstream."""
    assert judge(openai(), UpstreamFailure(kind=kind, detail="It is so.")).verdict is verdict


@pytest.mark.parametrize("status", [200, 302, 401, 404, 429, 500])
def test_what_the_upstream_said_is_not_repeated(status):
    """It may echo the credential; nor does the message hold the upstream's address."""
    message = said(openai(api_key="hidden"), status).message

    assert not {word for word in ("secret", "hidden", "api.example") if word in message}
