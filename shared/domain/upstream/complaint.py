"""What an upstream complains of: its own words, the status inside, and whose fault it says it is.

Servers and gateways wrap this in many ways (contract 9.5). Rule of this file: where the words do not say that it is
the operator's fault, it is the request's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import msgspec

from shared.domain.upstream.answer_json import Answer, read_any
from shared.domain.upstream.redaction import mask


class Fault(Enum):
    """What another attempt depends on."""

    REQUEST = "request"  # it will be refused again
    CREDENTIAL = "credential"  # the operator has to put the service's own credential or its rights right
    MONEY = "money"  # the operator has to pay, or to wait for a new month
    PASSING = "passing"  # nothing: it may work at once


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is the one said in the body, if any; `names` are codes and types in lower case."""

    status: int | None = None
    names: frozenset[str] = frozenset()
    message: str = ""

    @property
    def words(self) -> str | None:
        """A sentence for a person, on one line, without anybody's credential."""
        text = " ".join(mask(self.message).split())
        return (text if len(text) <= _MOST_WORDS else f"{text[: _MOST_WORDS - 1]}…") or None

    def fault(self, status: int) -> Fault:
        """Whose fault an answer of this `status` is."""
        if status == 402 or (status in (400, 403, 429) and self._says(_MONEY_NAMES, _MONEY)):
            return Fault.MONEY
        if status == 401 or (status == 403 and self._says(_CREDENTIAL_NAMES, _CREDENTIAL)):
            return Fault.CREDENTIAL
        if status == 400 and self._says(_KEY_NAMES, _KEY):
            return Fault.CREDENTIAL
        if status == 429 and self._never_fits():
            return Fault.REQUEST
        return Fault.PASSING if status in _PASSING or status >= 500 else Fault.REQUEST

    def _says(self, names: frozenset[str], words: re.Pattern[str]) -> bool:
        return bool(self.names & names or words.search(self.message))

    def _never_fits(self) -> bool:
        """One request asks for more than the limit of a minute."""
        if _TOO_LARGE.search(self.message):
            return True
        numbers = _NUMBERS.search(self.message)
        return numbers is not None and _number(numbers[2]) > _number(numbers[1])


_MOST_WORDS = 300
_MOST_READ = 4000
# Not now: too early, a conflict, capacity (Groq's 498), a model that failed (424), a client thought to be gone (499).
_PASSING = frozenset({408, 409, 424, 425, 429, 498, 499})

_MONEY_NAMES = frozenset(
    {
        "accountoverdueerror",
        "arrearage",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_too_low",
        "exceeded_current_quota_error",
        "insufficient_balance",
        "insufficient_quota",
        "insufficient_user_quota",
        "payment_required",
    }
)
_MONEY = re.compile(
    r"(?i)insufficient[ _](?:quota|balance|credits|funds)|billing (?:hard )?limit|credit balance is too low"
    r"|used all available credits|monthly spending limit|billing to be enabled|key limit exceeded"
)
_KEY_NAMES = frozenset({"api_key_invalid", "authentication_error", "invalid_api_key"})
_KEY = re.compile(r"(?i)\b(?:incorrect api key provided|api key (?:not valid|expired))")
_CREDENTIAL_NAMES = _KEY_NAMES | {
    "accessdeniedexception",
    "account_deactivated",
    "authenticationfailed",
    "authorizationfailed",
    "invalid_subscription_key",
    "permission_denied",
    "permission_error",
    "permissiondenied",
    "service_disabled",
    "unauthorized",
    "unsupported_country_region_territory",
}
_CREDENTIAL = re.compile(
    r"(?i)\b(?:invalid|incorrect|missing|expired|revoked|unknown|your|this) (?:[\w-]+ ){0,2}"
    r"(?:api[-_ ]?key|subscription key|access token|credentials?)\b"
    r"|\b(?:api[-_ ]?key|access token|credentials?) (?:is|are|was|were|has|have|does|do|not|provided|lacks?)\b"
    r"|not authorized to|lacks the required|insufficient permissions|missing scopes"
    r"|(?:does|do) ?n[o']t have (?:access|permission)"
    r"|virtual network/firewall rules|public access is disabled|ip address (?:is )?not|ip restriction"
)
_TOO_LARGE = re.compile(r"(?i)request too large|tokens must be reduced|reduce your message size")
_NUMBERS = re.compile(r"(?i)limit:? ([\d,]+)\b.*\brequested:? ([\d,]+)", re.DOTALL)


def _number(digits: str) -> int:
    return int(digits.replace(",", "")[:18] or 0)


def read_complaint(body: bytes) -> Complaint:
    """What a refusal says, JSON or text."""
    document = read_any(body)
    if document is None or isinstance(document, str):
        text = document if document is not None else body[:_MOST_READ].decode(errors="replace")
        return Complaint(message="" if text.lstrip().startswith("<") else text[:_MOST_READ])
    levels = list(_levels(document))
    names = frozenset(name.lower() for level in levels for name in _texts(level, _NAMES))
    message = next((text for level in levels for text in _texts(level, _MESSAGES)), "")
    return Complaint(status=_status(levels, names), names=names, message=message[:_MOST_READ])


_NAMES = ("code", "type", "status", "reason", "error_code", "errorCode", "error")
_MESSAGES = ("message", "msg", "error_msg", "errorMessage", "error_message", "detail", "faultstring", "title", "error")
_STATUSES = ("code", "status", "status_code", "statusCode", "http_status")


def _levels(document: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The objects that may describe an error, the innermost description first."""
    if isinstance(document, list) and depth < 5:
        for item in document[:3]:
            yield from _levels(item, depth + 1)
    if isinstance(document, dict):
        for name in ("error", "fault", "detail", "details", "innererror", "inner_error", "choices", "base_resp"):
            if isinstance(document.get(name), dict | list) and depth < 5:
                yield from _levels(document[name], depth + 1)
        yield document


def _texts(level: dict[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = level.get(name)
        if isinstance(value, str) and value:
            yield value


_STATUS_OF_NAME = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "resource_exhausted": 429,
    "insufficient_quota": 429,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "permission_denied": 403,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "content_policy_violation": 400,
    "failed_precondition": 400,
    "not_found_error": 404,
    "not_found": 404,
    "model_not_found": 404,
    "overloaded_error": 503,
    "unavailable": 503,
}


def _status(levels: list[dict[str, Any]], names: frozenset[str]) -> int | None:
    """As a number, or told by a name."""
    for level in levels:
        for name in _STATUSES:
            value = level.get(name)
            if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) == 3:
                value = int(value)
            if type(value) is int and 400 <= value <= 599:
                return value
    told = [status for name, status in _STATUS_OF_NAME.items() if name in names]
    return told[0] if told else 400 if any(name.startswith("invalid_") for name in names) else None


def is_complaint(answer: Answer, body: bytes) -> bool:
    """Whether an answer under HTTP 200 says that the request has failed (contract 9.5)."""
    if _is_said(answer.error):
        return True
    if answer.choices:
        return all(_is_said(choice.error) for choice in answer.choices)  # one good choice is worth having
    bare = answer.model is None and answer.usage is None and len(body) < _MOST_BARE_BYTES
    return bare and _is_bare_complaint(read_any(body))


_MOST_BARE_BYTES = 65_536  # An image without model and usage is larger, and no complaint.


def _is_said(error: Any) -> bool:
    """Not null, nor an empty object or one of nulls, as some servers write in every good answer."""
    return any(map(bool, error.values())) if isinstance(error, dict) else bool(error)


def _is_bare_complaint(document: Any) -> bool:
    """An error without the key `error`: of vLLM's first versions, Baidu, Zhipu, MiniMax, FastAPI."""
    if not isinstance(document, dict):
        return False
    inner = document.get("base_resp")
    refused = isinstance(inner, dict) and inner.get("status_code") not in (None, 0)
    return (
        refused
        or document.get("object") == "error"
        or document.get("success") is False
        or bool(document.get("error_code") or document.get("error_msg"))
        or set(document) == {"detail"}
    )
