"""What every rendered object is made with: times on the wire, and the keys that a version documents. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def documented(rendered: dict[str, Any], keys: frozenset[str] | None) -> dict[str, Any]:
    return rendered if keys is None else {key: value for key, value in rendered.items() if key in keys}


def unix_seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
