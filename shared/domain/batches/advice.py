"""What a caller can do about lines that failed, by their code: one table.

Rule of this file: a sentence says what to do, not only what happened; it is read by programmers and, on the page, by
people who know of no routes. Codes are those of our own lines (`NeverRan`), of
answers that could not be taken, and the commonest of upstreams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.domain.lines.result_line import NeverRan

_RETRY: Final = "retry the batch, which sends only what failed"
_SHORTEN: Final = "Shorten the input of these requests or ask for less output, then send them in a new batch."
_REWORD: Final = "The upstream's content policy stopped these requests. Reword them, then send them in a new batch."
_RATES: Final = f"The upstream was over its rate limit for too long. Later {_RETRY}."
_OPERATOR: Final = "Tell the operator of this service, who has to"
DEFAULT: Final = (
    "The upstream refused these requests; the example's message says why. Correct them and send them in a new batch; "
    f"or, if it may pass, {_RETRY}."
)
ADVICE: Final[Mapping[str, str]] = {
    NeverRan.BATCH_EXPIRED: f"The completion window closed first. To go on, {_RETRY}.",
    NeverRan.BATCH_CANCELLED: f"The batch was cancelled before these ran. To go on, {_RETRY}.",
    NeverRan.SPEND_LIMIT_EXCEEDED: f"A spend limit was reached. Once there is money again, {_RETRY}.",
    NeverRan.REQUEST_TIMEOUT: f"The model took too long. Ask for less output in one request, or {_RETRY}.",
    NeverRan.UPSTREAM_UNAVAILABLE: f"The model could not be reached. Later {_RETRY}.",
    NeverRan.BATCH_FAILED: "Correct what the batch's `errors` says, then send the file in a new batch.",
    NeverRan.INTERNAL_ERROR: f"{_OPERATOR} look into the log; then {_RETRY}.",
    "upstream_answer_too_large": "Ask for less in one request, then send these in a new batch.",
    "invalid_upstream_answer": f"The upstream's answer could not be understood. Later {_RETRY}.",
    "upstream_credential_refused": f"{_OPERATOR} correct the credential of the deployment; then {_RETRY}.",
    "context_length_exceeded": _SHORTEN,
    "string_above_max_length": _SHORTEN,
    "content_filter": _REWORD,
    "content_policy_violation": _REWORD,
    "moderation_blocked": _REWORD,
    "rate_limit_exceeded": _RATES,
    "status_429": _RATES,
    "insufficient_quota": f"{_OPERATOR} see to the account at the upstream; then {_RETRY}.",
    "server_error": f"The upstream failed at these requests. Later {_RETRY}.",
    "model_not_found": f"{_OPERATOR} correct the model of the deployment; then {_RETRY}.",
    "other": "Download the error file: its lines say what happened to each of these.",
}


def advice(code: str) -> str:
    return ADVICE.get(code, DEFAULT)
