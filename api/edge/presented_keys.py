"""Which keys a call presents, in which header (contract 6.3). Pure.

Rule of this file: a header that comes twice is not read. Whatever stands in front of this service may have judged the
other one.
"""

from __future__ import annotations

from starlette.datastructures import Headers


def presented_keys(headers: Headers) -> list[str]:
    """Each once: SDKs send one key in both headers, or a token beside it."""
    return list(dict.fromkeys(key for key in (_bearer(headers), _once(headers, "api-key")) if key))


def _bearer(headers: Headers) -> str:
    scheme, _, token = _once(headers, "authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _once(headers: Headers, name: str) -> str:
    values = headers.getlist(name)
    return values[0].strip() if len(values) == 1 else ""
