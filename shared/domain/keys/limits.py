"""What a project may have at once, beside what the service's settings allow everybody (contract 10.2)."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Files that callers made, their bytes, request lines of a file, batches that have not ended; None: no limit."""

    files: int | None = None
    stored_bytes: int | None = None
    requests_per_file: int | None = None
    active_batches: int | None = None
