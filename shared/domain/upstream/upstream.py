"""The upstream as values: what is sent, what comes back, what becomes of the line. No I/O here.

What an answer means is `outcome.classify`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

import msgspec

from shared.domain.deployments.deployment import Deployment, UpstreamKind
from shared.domain.lines.request_line import with_model
from shared.domain.upstream.upstream_url import azure_url, openai_url
from shared.domain.usage.usage import Usage


class UpstreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `body` is JSON, passed through as it came, or nothing.

    `headers` hold no credential of a managed identity: `identity` asks the client to add one.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout_seconds: float
    identity: bool = False
    method: str = "POST"

    def __repr__(self) -> str:  # Neither the credential nor the prompt reaches a log.
        return f"UpstreamRequest({self.url!r}, {len(self.body)} bytes)"


class UpstreamResponse(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer, read to its end. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:  # The model's words never reach a log.
        return f"UpstreamResponse({self.status}, {len(self.body)} bytes)"


class FailureKind(StrEnum):
    """Why there is no HTTP answer."""

    UNREACHABLE = "unreachable"  # no connection came about: refused, name not found, TLS, proxy; nothing was sent
    CONNECTION = "connection"  # reset, closed in mid-answer, not HTTP: the request may have been the cause
    TIMEOUT = "timeout"  # no complete answer within the request's timeout
    TOO_LARGE = "too_large"  # the answer outgrew the limit and was dropped
    HEAD_TOO_LARGE = "head_too_large"  # more headers than the client reads
    IDENTITY = "identity"  # no token of the managed identity; nothing was sent


class UpstreamFailure(msgspec.Struct, frozen=True, kw_only=True):
    """No HTTP answer. `detail` is a sentence for a person; it names no credential."""

    kind: FailureKind
    detail: str


UpstreamAnswer = UpstreamResponse | UpstreamFailure


class Succeeded(msgspec.Struct, frozen=True, kw_only=True):
    """HTTP 200 with a JSON object. `body` is one physical line; `request_id` is the upstream's, if it sent one."""

    body: bytes
    usage: Usage
    model: str | None
    request_id: str | None


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The line has failed for good: the arguments of `result_line.failure_line`.

    `status` is None when no HTTP answer came; `body` is then the line's `error`, else the answer's JSON body.
    """

    status: int | None
    body: bytes
    request_id: str | None = None


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """Sending the line again may work. `final` is what it becomes if no attempt is left.

    `after_seconds` is what the upstream asked for; `throttled` means it is overloaded or its rate limit was met.
    `blameless`: no request can be the cause, whatever is in it (no connection, our own credential refused, no money).
    `words` are the upstream's own, a sentence for a person, if it said any; they name no credential.
    `reason` is of a small closed set: `status_429`, `connection`, `invalid_answer` and so on.
    """

    reason: str
    after_seconds: float | None
    throttled: bool
    final: Failed
    blameless: bool = False
    words: str | None = None


Outcome = Succeeded | Failed | Retry


# --- The request ---


def build_request(deployment: Deployment, endpoint: str, body: bytes) -> UpstreamRequest:
    """The call that runs one request line. `endpoint` is one of `ENDPOINTS`, `body` a JSON object.

    The body's `model` becomes the upstream's own name for it (`deployment.model`) where the two differ.
    """
    url, headers = _target(deployment, endpoint)
    return UpstreamRequest(
        url=url,
        headers=headers,
        body=body if deployment.model is None else with_model(body, deployment.model),
        timeout_seconds=deployment.request_timeout_seconds,
        identity=signs_in(deployment),
    )


@lru_cache(maxsize=64)
def _target(deployment: Deployment, endpoint: str) -> tuple[str, Mapping[str, str]]:
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "durable-batch"}
    azure = deployment.kind is UpstreamKind.AZURE
    url = azure_url(deployment, endpoint) if azure else openai_url(deployment.base_url, endpoint)
    return url, headers | credential_headers(deployment)


def signs_in(deployment: Deployment) -> bool:
    """Whether the managed identity is the credential."""
    return deployment.kind is UpstreamKind.AZURE and not deployment.api_key


def credential_headers(deployment: Deployment) -> dict[str, str]:
    """The deployment's own key as its upstream wants it; nothing where there is none."""
    key = (deployment.api_key or "").strip()  # a key read from a file often ends with a newline
    if not key:
        return {}
    return {"api-key": key} if deployment.kind is UpstreamKind.AZURE else {"Authorization": f"Bearer {key}"}
