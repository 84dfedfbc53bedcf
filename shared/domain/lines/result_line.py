"""Result lines: what one request of a batch becomes in the output or error file (contract 4).

Rule of this file: a result line is one physical line of valid JSON, whatever the custom_id and whatever the model said.
Bodies are spliced in as they came, never decoded and encoded again. Nothing here decides what an answer means
(`outcome.classify` does) or in which file a line belongs.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum

import msgspec

from shared.domain.vendors.rules import RULES
from shared.domain.vendors.vendor import LINE_ID_PREFIX, NULL, Vendor


class NeverRan(StrEnum):
    """Why a request has no HTTP answer. The first two and `request_timeout` are OpenAI's (contract 4.1)."""

    BATCH_EXPIRED = "batch_expired"
    BATCH_CANCELLED = "batch_cancelled"
    SPEND_LIMIT_EXCEEDED = "project_spend_limit_exceeded"
    REQUEST_TIMEOUT = "request_timeout"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    BATCH_FAILED = "batch_failed"
    INTERNAL_ERROR = "internal_error"


_MESSAGES = {
    # Literal: contract 4.1.
    NeverRan.BATCH_EXPIRED: "This request could not be executed before the completion window expired.",
    NeverRan.BATCH_CANCELLED: "This request was not executed because the batch was cancelled.",
    NeverRan.SPEND_LIMIT_EXCEEDED: (
        "This request was not executed because a spend limit was reached; the batch's `errors` says which. Ask an "
        "administrator to raise it, or wait for its next window, and send the request again in a new batch."
    ),
    NeverRan.REQUEST_TIMEOUT: (
        "The model did not answer within the time allowed for one request. Send it again in a new batch; "
        "if that fails too, ask for less output in one request."
    ),
    NeverRan.UPSTREAM_UNAVAILABLE: (
        "The model could not be reached. Send the request again in a new batch; if that fails too, "
        "ask the operator of this service."
    ),
    NeverRan.BATCH_FAILED: (
        "This request was not executed because the batch failed. Correct what the batch's `errors` says and send it "
        "again in a new batch."
    ),
    NeverRan.INTERNAL_ERROR: (
        "This service could not handle the request or its answer. Tell the operator of this service; its log has the "
        "cause."
    ),
}


def line_id(batch_id: str, line: int) -> str:
    """The result line's `id`: the same for the same batch and line number, however often the line is written."""
    return f"{LINE_ID_PREFIX}{hashlib.sha256(f'{batch_id}/{line}'.encode()).hexdigest()[:32]}"


def error_object(code: NeverRan, detail: str = "") -> bytes:
    """The line's `error`: OpenAI's `{code, message}` (contract 4.1). `detail` is a sentence added to the message."""
    return msgspec.json.encode({"code": code.value, "message": f"{_MESSAGES[code]} {detail}".strip()})


def success_line(vendor: Vendor, *, request_line_id: str, custom_id: str, request_id: str | None, body: bytes) -> bytes:
    """The line of a request the model answered. `body` is what `one_line` returned."""
    rules = RULES[vendor]
    response = rules.write_response(request_line_id, request_id, 200, body)
    return rules.write_line(request_line_id, _json(custom_id), response, b"null")


def failure_line(
    vendor: Vendor,
    *,
    request_line_id: str,
    custom_id: str | None,
    request_id: str | None,
    status: int | None,
    body: bytes,
) -> bytes:
    """The line of a request that ran and failed.

    With a `status`, `body` is the answer's JSON body and the line's `error` is null; with None there was no HTTP
    answer and `body` is the line's `error` (contract 4.1).
    """
    rules = RULES[vendor]
    if status is None:
        return rules.write_line(request_line_id, _json(custom_id), NULL, body)
    response = rules.write_response(request_line_id, request_id, status, body)
    return rules.write_line(request_line_id, _json(custom_id), response, b"null")


def never_ran_line(vendor: Vendor, *, request_line_id: str, custom_id: str | None, code: NeverRan) -> bytes:
    """The line of a request that was never sent, or whose answer never came; no custom_id: the request is lost."""
    return RULES[vendor].write_line(request_line_id, _json(custom_id), NULL, error_object(code))


def _json(custom_id: str | None) -> bytes:
    """The standard library's dumps keeps what msgspec refuses (lone surrogates) and escapes every line separator."""
    return json.dumps(custom_id).encode()


# Legal inside JSON strings, and line ends for many readers (str.splitlines): escaped, the JSON means the same.
_SEPARATORS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


def one_line(body: bytes) -> bytes:
    """Valid UTF-8 JSON with every physical line end gone: those between tokens with the white space around them."""
    if b"\n" in body or b"\r" in body:
        body = msgspec.json.format(body, indent=-1)
    if not body.isascii():
        for raw, escaped in _SEPARATORS:
            body = body.replace(raw, escaped)
    return body
