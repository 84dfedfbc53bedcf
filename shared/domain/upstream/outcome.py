"""What an upstream's answer means for its line (contract 4.1, 9.5).

Rule of this file: every answer, however broken, becomes an outcome; nothing here raises for what an upstream did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from shared.domain.deployments.deployment import Deployment
from shared.domain.lines.result_line import NeverRan, error_object, one_line
from shared.domain.pace.retry import retry_after
from shared.domain.upstream.answer_json import Answer, in_utf8, mend, read_any, read_object
from shared.domain.upstream.complaint import Fault, is_complaint, read_complaint
from shared.domain.upstream.redaction import mask, redact
from shared.domain.upstream.upstream import (
    Failed,
    FailureKind,
    Outcome,
    Retry,
    Succeeded,
    UpstreamAnswer,
    UpstreamFailure,
    UpstreamResponse,
)
from shared.domain.usage.usage import read_usage

_ASK = "Send the request again in a new batch; if that fails too, ask the operator of this service."
_MOST_KEPT_BYTES = 1 << 18  # of a refusal: a larger one is no refusal


def classify(answer: UpstreamAnswer, deployment: Deployment) -> Outcome:
    """What the answer means. No secret of the `deployment` is in what a failure becomes.

    HTTP 200 with a JSON object that does not complain succeeds. What may pass, and what the operator can put right
    while the batch waits, is worth another attempt (`Fault`); all else is final.
    """
    if isinstance(answer, UpstreamFailure):
        return _unanswered(answer)
    if answer.status != 200:
        return _refused(_without_secrets(answer, deployment), answer.status)
    body = answer.body
    fields = read_object(body)
    if fields is None:
        body = mend(body)
        fields = read_object(body)
    if fields is None:
        return _garbled(_without_secrets(answer, deployment))
    if is_complaint(fields, body):
        return _refused(_without_secrets(answer, deployment), None)
    return _succeeded(fields, body, answer.headers)


def _succeeded(fields: Answer, body: bytes, headers: Mapping[str, str]) -> Succeeded:
    return Succeeded(
        body=one_line(body),
        usage=read_usage(fields.usage),
        model=fields.model if isinstance(fields.model, str) else None,
        request_id=_request_id(headers),
    )


def refusal_of_all(outcome: Failed, *, blameless: bool = False) -> Retry:
    """`outcome` as a failed attempt: the upstream may refuse whoever asks, and not what was asked.

    `blameless`: it does so for certain.
    """
    words = read_complaint(outcome.body).words
    return Retry(
        reason=f"status_{outcome.status}",
        after_seconds=None,
        throttled=False,
        final=outcome,
        blameless=blameless,
        words=words,
    )


_MODEL_IS_MISSING = re.compile(
    r"(?i)\b(model|deployment)\b.*\b(not exist|not found|not available)|\b(no|unknown) (model|deployment|route)\b"
)


def lacks_model(outcome: Failed) -> bool:
    """Whether a refusal (404) is about the model, which the configuration names, and not about the line."""
    complaint = read_complaint(outcome.body)
    named = complaint.names & {"model_not_found", "deploymentnotfound", "invalid_upstream_answer"}
    return bool(named or _MODEL_IS_MISSING.search(complaint.message))


def _unanswered(answer: UpstreamFailure) -> Outcome:
    if answer.kind is FailureKind.TOO_LARGE:
        advice = "Ask for less in one request, or ask the operator of this service to raise BATCH_MAX_RESPONSE_BYTES."
        return Failed(status=502, body=_error_body(502, "upstream_answer_too_large", f"{answer.detail} {advice}"))
    if answer.kind is FailureKind.HEAD_TOO_LARGE:
        return Failed(status=502, body=_error_body(502, "invalid_upstream_answer", answer.detail))
    timed_out = answer.kind is FailureKind.TIMEOUT
    code = NeverRan.REQUEST_TIMEOUT if timed_out else NeverRan.UPSTREAM_UNAVAILABLE
    final = Failed(status=None, body=error_object(code, answer.detail))
    blameless = answer.kind in (FailureKind.UNREACHABLE, FailureKind.IDENTITY)
    return Retry(reason=answer.kind.value, after_seconds=None, throttled=False, final=final, blameless=blameless)


def _without_secrets(answer: UpstreamResponse, deployment: Deployment) -> UpstreamResponse:
    """In UTF-8, too; what is too long to be a refusal is cut."""
    body = redact(in_utf8(answer.body[:_MOST_KEPT_BYTES]), deployment)
    headers = {
        name: redact(answer.headers[name].encode(errors="replace"), deployment).decode()
        for name in _TOLD_HEADERS
        if name in answer.headers
    }
    return UpstreamResponse(status=answer.status, headers={**answer.headers, **headers}, body=body)


_TOLD_HEADERS = ("content-type", "x-request-id", "apim-request-id")


def _garbled(answer: UpstreamResponse) -> Outcome:
    """HTTP 200 without a JSON object: a complaint in an array, or nothing that can be understood."""
    inner = _unwrapped(answer.body)
    if inner is not None and (fields := read_object(inner)) is not None and is_complaint(fields, inner):
        return _refused(msgspec.structs.replace(answer, body=inner), None)
    final = Failed(status=502, body=_explained(answer, 502, Fault.PASSING), request_id=_request_id(answer.headers))
    return Retry(reason="invalid_answer", after_seconds=None, throttled=False, final=final)


def _refused(answer: UpstreamResponse, status: int | None) -> Outcome:
    """`status` None: it is told in the body."""
    body = mend(answer.body)
    complaint = read_complaint(body)
    if status is None:
        status = complaint.status or 502
    fault = complaint.fault(status)
    failed = _failed(answer, body, status, fault)
    if fault is Fault.REQUEST:
        return failed
    after = retry_after(answer.headers)
    return Retry(
        reason=f"status_{status}",
        after_seconds=after,
        throttled=status in (429, 498, 503) or fault is Fault.MONEY or after is not None,
        final=failed,
        blameless=fault in (Fault.CREDENTIAL, Fault.MONEY),
        words=complaint.words,
    )


def _failed(answer: UpstreamResponse, body: bytes, status: int, fault: Fault) -> Failed:
    """The upstream's own JSON body where it is about the request, else one that says what came."""
    shown = status if status >= 400 else 502
    if fault is Fault.CREDENTIAL:
        shown_body = _credential_refused(answer, status)
    else:
        shown_body = (_kept(body) if status >= 400 else None) or _explained(answer, shown, fault)
    return Failed(status=shown, body=shown_body, request_id=_request_id(answer.headers))


def _kept(body: bytes) -> bytes | None:
    """A refusal as it came, on one line; what stands in an array, without the array; None if it is no JSON."""
    if read_object(body) is not None:
        return one_line(body)
    inner = _unwrapped(body)
    if inner is not None:
        return one_line(inner)
    if read_any(body) is None:
        return None
    message = read_complaint(body).words or "The upstream refused the request."
    return one_line(_error_body(400, "upstream_refused", message, details=msgspec.Raw(body)))


def _unwrapped(body: bytes) -> bytes | None:
    """The one object of an array (Google's way to refuse), else None."""
    try:
        (inner,) = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        return None
    return bytes(inner) if read_object(bytes(inner)) is not None else None


def _credential_refused(answer: UpstreamResponse, status: int) -> bytes:
    message = (
        f"The upstream refused this service's own credential (HTTP {status}); your key is not the cause. "
        f"Ask the operator of this service to check the deployment's credential. {_excerpt(answer)}"
    )
    return _error_body(status, "upstream_credential_refused", message)


def _explained(answer: UpstreamResponse, shown: int, fault: Fault) -> bytes:
    """An envelope that says what came, where that is no JSON or no answer to a request."""
    status = answer.status
    if 300 <= status < 400:
        message = (
            f"The upstream sends requests on to another address (HTTP {status}), where this service does not follow. "
            "Ask the operator of this service to correct the deployment's base_url."
        )
    elif 400 <= status < 500 and fault is not Fault.PASSING:
        message = f"The upstream refused the request (HTTP {status}), not in JSON. {_excerpt(answer)}"
    elif status == 200 or status >= 400:
        message = f"The upstream answered HTTP {status} without the JSON object expected. {_ASK} {_excerpt(answer)}"
    else:
        message = f"The upstream answered HTTP {status}, which is no answer to a request. {_ASK} {_excerpt(answer)}"
    return _error_body(shown, "invalid_upstream_answer", message)


def _error_body(status: int, code: str, message: str, **more: msgspec.Raw) -> bytes:
    """An OpenAI error envelope (contract 1.3)."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": None, "code": code, **more}})


def _excerpt(answer: UpstreamResponse) -> str:
    """What came, for a person: content type and first characters, with nothing that looks like a credential."""
    kind = answer.headers.get("content-type", "no content type")[:100].encode("ascii", "replace").decode()
    most = 200 if answer.body.lstrip().startswith(b"<") else 2000
    text = answer.body[: 4 * most].decode(errors="replace")
    text = " ".join(mask(text).split())[:most]
    return f"It said ({kind}): {text}" if text else f"It said nothing ({kind})."


_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


def _request_id(headers: Mapping[str, str]) -> str | None:
    value = headers.get("x-request-id") or headers.get("apim-request-id") or ""
    return value if _REQUEST_ID.fullmatch(value) else None
