"""Whom the end of one batch is told, by wish of its create call (an extension), beside the project's endpoints."""

from __future__ import annotations

import msgspec


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """`secret` signs, if one was given."""

    url: str
    secret: str | None = None

    def __repr__(self) -> str:  # The URL may hold a token.
        return "Callback()"
