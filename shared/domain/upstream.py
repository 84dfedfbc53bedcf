"""The upstream as values: what is sent, what comes back, what the answer means. No I/O (see `shared/upstream_client`)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class UpstreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `body` is JSON, passed through as it came; `headers` hold no credential of a managed identity."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout_seconds: float


class UpstreamResponse(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer, read to its end. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class FailureKind(StrEnum):
    """Why there is no HTTP answer."""

    CONNECTION = "connection"  # refused, reset, name not found, closed in mid-answer
    TIMEOUT = "timeout"  # no complete answer within the request's timeout
    TOO_LARGE = "too_large"  # the answer outgrew the limit and was dropped


class UpstreamFailure(msgspec.Struct, frozen=True, kw_only=True):
    """No HTTP answer. `detail` is a sentence for a person; it names no credential."""

    kind: FailureKind
    detail: str


UpstreamAnswer = UpstreamResponse | UpstreamFailure
