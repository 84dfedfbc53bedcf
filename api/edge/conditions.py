"""Conditional requests: `If-Match`, `If-None-Match` and `If-Range` against an entity tag (RFC 9110, 13). Pure."""

from __future__ import annotations

import re

from shared.domain.errors import InvalidRequest

_TAG = re.compile(r'(W/)?("[^"]*")', re.ASCII)


class PreconditionFailed(InvalidRequest):
    """The object is another version than the caller wants."""


def check_match(header: str | None, etag: str) -> None:
    """`If-Match`. Raises PreconditionFailed."""
    if header is None or header.strip() == "*" or ("", etag) in _TAG.findall(header):
        return
    raise PreconditionFailed(f"The file is another version than 'If-Match' names: its ETag is {etag}.")


def is_known(header: str | None, etag: str) -> bool:
    """`If-None-Match`: whether the caller has this version already."""
    if header is None:
        return False
    return header.strip() == "*" or etag in (tag for _, tag in _TAG.findall(header))


def serves_range(header: str | None, etag: str) -> bool:
    """`If-Range`: whether a range of this version is wanted, and not the whole of a newer one."""
    return header is None or header.strip() == etag
