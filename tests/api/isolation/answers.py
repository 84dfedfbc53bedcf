"""What an answer gives away."""

from __future__ import annotations

import httpx

from shared.domain.ids import to_base62, to_uuid
from tests.api.belongings import MARK, Belongings

STRANGER = "01900000000070008000000000000002"
EVERY_CALL_DIFFERS = ("x-request-id", "apim-request-id")


def essence(response: httpx.Response, given: str) -> tuple[int, list[tuple[str, str]], str]:
    """All of an answer that a caller sees, but for the id that it gave, and ids of the call itself."""
    headers = [(name, text) for name, text in response.headers.items() if name not in EVERY_CALL_DIFFERS]
    return response.status_code, sorted(headers), response.text.replace(given, "<id>")


def tells_nothing(response: httpx.Response, theirs: Belongings, *given: str) -> bool:
    """Neither a text nor an id of the stranger's, other than those that the caller gave."""
    text = response.text
    for one in given:
        text = text.replace(one, "")
    known = (form for id_ in theirs.every_id() for form in (id_, to_uuid(id_), to_base62(id_)))
    return MARK not in text and STRANGER not in text and not any(form in text for form in known)
