"""The file record: what is known of an input, output or error file beside its bytes."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

PURPOSES = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")
RESULT_PURPOSE = "batch_output"
FILES_PREFIX = "files/"


class File(msgspec.Struct, frozen=True, kw_only=True):
    """`blob` names the bytes in the BlobStore; `id` is canonical (see `ids`)."""

    id: str
    owner: str
    filename: str
    purpose: str
    bytes: int
    created_at: datetime
    expires_at: datetime | None
    blob: str

    def is_expired(self, now: datetime) -> bool:
        """True from the moment of `expires_at` on: an expired file is gone for callers before it is swept."""
        return self.expires_at is not None and now >= self.expires_at


class ExpiresAfter(msgspec.Struct, frozen=True, kw_only=True):
    """How long a file lives, counted from its creation (`anchor` is always `created_at`)."""

    seconds: int

    def expiry(self, created_at: datetime) -> datetime:
        return created_at + timedelta(seconds=self.seconds)


def upload_blob(file_id: str) -> str:
    """Where an uploaded file's bytes live."""
    return f"{FILES_PREFIX}{file_id}"
