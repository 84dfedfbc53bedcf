"""The upstream as values: what is sent, what comes back, what the answer means. No I/O (see `shared/upstream_client`).

Rule of this file: every answer, however broken, becomes an outcome; nothing here raises for what an upstream did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

from shared.domain.deployment import Deployment, UpstreamKind
from shared.domain.request_line import with_model
from shared.domain.result_line import NeverRan, error_object, one_line, repair_surrogates
from shared.domain.retry import retry_after
from shared.domain.upstream_url import azure_url, openai_url
from shared.domain.usage import Usage, read_usage


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
    """The call that runs one request line. `endpoint` is one of `deployment.ENDPOINTS`, `body` a JSON object.

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


# --- The answer ---

_EXCERPT_CHARACTERS = 200
_ASK = "Send the request again in a new batch; if that fails too, ask the operator of this service."


def classify(answer: UpstreamAnswer) -> Outcome:
    """What the answer means for its line (contract 4.1).

    408, 409, 429, 5xx, no answer and a 200 that is no JSON object are worth another attempt; all else is final. So is
    401: it is this service's own credential, which its operator can put right while the batch waits.
    """
    if isinstance(answer, UpstreamFailure):
        return _classify_failure(answer)
    if answer.status == 200:
        return _read(answer)
    failed = _rejection(answer)
    if answer.status in (401, 408, 409, 429) or answer.status >= 500:
        after = retry_after(answer.headers)
        throttled = answer.status in (429, 503) or after is not None
        return Retry(
            reason=f"status_{answer.status}",
            after_seconds=after,
            throttled=throttled,
            final=failed,
            blameless=answer.status == 401,
        )
    return failed


def _classify_failure(answer: UpstreamFailure) -> Outcome:
    if answer.kind is FailureKind.TOO_LARGE:
        advice = "Ask for less in one request, or ask the operator of this service to raise BATCH_MAX_RESPONSE_BYTES."
        return Failed(status=502, body=_error_body(502, "upstream_answer_too_large", f"{answer.detail} {advice}"))
    timed_out = answer.kind is FailureKind.TIMEOUT
    code = NeverRan.REQUEST_TIMEOUT if timed_out else NeverRan.UPSTREAM_UNAVAILABLE
    final = Failed(status=None, body=error_object(code, answer.detail))
    blameless = answer.kind in (FailureKind.UNREACHABLE, FailureKind.IDENTITY)
    return Retry(reason=answer.kind.value, after_seconds=None, throttled=False, final=final, blameless=blameless)


class _Answer(msgspec.Struct):
    """What the service reads of an answer; msgspec checks the rest of the document while skipping it."""

    model: Any = None
    usage: Any = None


_decoder = msgspec.json.Decoder(_Answer)


def _read(answer: UpstreamResponse) -> Outcome:
    body = answer.body
    fields = _decode(body)
    if fields is None and b"\\u" in body:
        body = repair_surrogates(body)
        fields = _decode(body)
    if fields is None:
        final = Failed(status=502, body=_not_json(answer, 502), request_id=_request_id(answer.headers))
        return Retry(reason="invalid_answer", after_seconds=None, throttled=False, final=final)
    return Succeeded(
        body=one_line(body),
        usage=read_usage(fields.usage),
        model=fields.model if isinstance(fields.model, str) else None,
        request_id=_request_id(answer.headers),
    )


def _decode(body: bytes) -> _Answer | None:
    """None if `body` is not one JSON object in valid UTF-8."""
    try:
        if not body.isascii():
            body.decode()  # msgspec takes skipped strings on trust
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _rejection(answer: UpstreamResponse) -> Failed:
    """The upstream's own JSON body where it is about the request, else one that says what came."""
    status = answer.status if answer.status >= 400 else 502
    request_id = _request_id(answer.headers)
    if answer.status in (401, 403):
        message = (
            f"The upstream refused this service's own credential (HTTP {answer.status}); your key is not the cause. "
            f"Ask the operator of this service to check the deployment's credential. {_excerpt(answer)}"
        )
        body = _error_body(status, "upstream_credential_refused", message)
    elif answer.status >= 400 and _decode(answer.body) is not None:
        body = one_line(answer.body)
    else:
        body = _not_json(answer, status)
    return Failed(status=status, body=body, request_id=request_id)


def _not_json(answer: UpstreamResponse, status: int) -> bytes:
    return _error_body(
        status,
        "invalid_upstream_answer",
        f"The upstream answered HTTP {answer.status} without the JSON object expected. {_ASK} {_excerpt(answer)}",
    )


def _error_body(status: int, code: str, message: str) -> bytes:
    """An OpenAI error envelope (contract 1.3)."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": None, "code": code}})


_SECRET = re.compile(r"(?i)(bearer\s+|api[-_ ]?key(?: provided)?[\"']?\s*[:=]\s*[\"']?|\bsk-)[^\s\"'<>]+")


def _excerpt(answer: UpstreamResponse) -> str:
    """What came, for a person: content type and first characters, with nothing that looks like a credential."""
    kind = answer.headers.get("content-type", "no content type")[:100].encode("ascii", "replace").decode()
    text = answer.body[: 4 * _EXCERPT_CHARACTERS].decode(errors="replace")
    text = " ".join(_SECRET.sub(r"\1…", text).split())[:_EXCERPT_CHARACTERS]
    return f"It said ({kind}): {text}" if text else f"It said nothing ({kind})."


_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


def _request_id(headers: Mapping[str, str]) -> str | None:
    value = headers.get("x-request-id") or headers.get("apim-request-id") or ""
    return value if _REQUEST_ID.fullmatch(value) else None
