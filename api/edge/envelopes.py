"""Errors as the caller's dialect shows them (contract 1.3). Pure; status codes are `endpoint.py`'s."""

from __future__ import annotations

from typing import Any

from api.edge.dialect import GATEWAY_NOT_FOUND, Dialect, Envelope
from shared.domain.errors import (
    Damaged,
    DurableBatchError,
    Forbidden,
    InvalidRequest,
    NotFound,
    OverLimit,
    Unauthenticated,
    Unavailable,
    WrongState,
)
from shared.domain.keys.entra_claims import INVALID_TOKEN

_AZURE_INTERNAL = "internalFailure"
# Azure's own codes, for callers who match on them; the gateway in front of it says 401 and 404.
_AZURE_CODES: dict[type[DurableBatchError], str] = {
    InvalidRequest: "invalidPayload",
    Unauthenticated: "401",
    Forbidden: "forbidden",
    NotFound: "notFound",
    OverLimit: "429",
    WrongState: "conflict",
    Damaged: _AZURE_INTERNAL,
    Unavailable: "serviceUnavailable",
}
_OPENAI_TYPE = "invalid_request_error"
_OPENAI_TYPES = {(Unavailable, Damaged): "server_error", (OverLimit,): "insufficient_quota"}
_KEPT_CODES = frozenset({GATEWAY_NOT_FOUND, "token_limit_exceeded", "quotaExceeded"})
_AZURE_DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)


def render_error(dialect: Dialect, error: DurableBatchError) -> dict[str, Any]:
    """The caller's mistake, or a dependency that is down."""
    match dialect.envelope:
        case Envelope.OPENAI:
            kind = next((name for kinds, name in _OPENAI_TYPES.items() if isinstance(error, kinds)), _OPENAI_TYPE)
            told = _openai(error.message, kind, param=error.param, code=error.code)
            return told | ({"detail": {"message": error.message, "code": error.code}} if error.told_twice else {})
        case Envelope.AZURE_CLASSIC:
            return _azure(_azure_code(error), _azure_message(error), {"target": error.param})
        case Envelope.AZURE_V1:
            return _azure(_azure_code(error), _azure_message(error), {"param": error.param, "type": "error"})


def render_internal_error(dialect: Dialect, request_id: str) -> dict[str, Any]:
    """A fault of the service: no detail but the id under which the log has them."""
    message = (
        "The service had an error while processing your request. Try again; if it happens again, tell the operator "
        f"the request ID {request_id}."
    )
    match dialect.envelope:
        case Envelope.OPENAI:
            return _openai(message, "server_error", param=None, code=None)
        case Envelope.AZURE_CLASSIC:
            return _azure(_AZURE_INTERNAL, message, {})
        case Envelope.AZURE_V1:
            return _azure(_AZURE_INTERNAL, message, {"type": "error"})


def _openai(message: str, kind: str, *, param: str | None, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _azure(code: str, message: str, optional: dict[str, str | None]) -> dict[str, Any]:
    present = {key: value for key, value in optional.items() if value is not None}
    return {"error": {"code": code, "message": message, **present}}


def _azure_code(error: DurableBatchError) -> str:
    if error.code in _KEPT_CODES:
        return str(error.code)
    return next(code for kind, code in _AZURE_CODES.items() if isinstance(error, kind))


def _azure_message(error: DurableBatchError) -> str:
    """Azure's own for keys. What is wrong with a token, only its issuer and the caller can mend: they are told."""
    is_of_keys = isinstance(error, Unauthenticated) and error.code != INVALID_TOKEN
    return _AZURE_DENIED if is_of_keys else error.message
