"""A large file sent in parts: the upload's record, its parts, and what may happen to it when (contract 1.5.8).

A part is a run of blocks staged in the blob that the file will be; completing commits the runs in the caller's order.

    pending ⇄ checking ──► completing ──► completed
       └─────────┴──► cancelled | expired

While it is `checking`, the blocks are committed and read: parts that arrive then would lose theirs and are refused.
From `completing` on the file is decided; what is left to do may be repeated by anyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.domain.errors import InvalidRequest, Unavailable, WrongState
from shared.domain.files.file import ExpiresAfter, File, upload_blob
from shared.domain.parameters import shortened

LIFE = timedelta(hours=1)
MAX_PART_BYTES = 67_108_864
MAX_PARTS = 2_000  # As many as 8 GiB in parts of about 4 MiB, and few enough for one block list.
MOST_REPEATS = 4  # Of the declared bytes, parts that were sent again included.


class UploadStatus(StrEnum):
    """`checking` and `completing` are `pending` to callers."""

    PENDING = "pending"
    CHECKING = "checking"
    COMPLETING = "completing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_OPEN = frozenset({UploadStatus.PENDING, UploadStatus.CHECKING})
_DECIDED = frozenset({UploadStatus.COMPLETING, UploadStatus.COMPLETED})


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """`bytes` is what the caller declared; `part_ids` are those of the last completion that was asked for.

    `attempts` counts completions, so that each changes the record even if it repeats the one before.
    `file_id` and `completed_at` are set once the file is decided.
    """

    id: str
    owner: str
    filename: str
    purpose: str
    mime_type: str
    bytes: int
    created_at: datetime
    expires_at: datetime
    file_expires_after: ExpiresAfter | None
    status: UploadStatus = UploadStatus.PENDING
    attempts: int = 0
    part_ids: tuple[str, ...] = ()
    file_id: str | None = None
    completed_at: datetime | None = None

    @property
    def blob(self) -> str:
        """Where the parts are staged, and the file's bytes are in the end."""
        return upload_blob(self.id)

    @property
    def is_decided(self) -> bool:
        return self.status in _DECIDED

    def status_at(self, now: datetime) -> UploadStatus:
        """An open upload is expired from the moment of `expires_at` on, before the record says so."""
        return UploadStatus.EXPIRED if self.status in _OPEN and now >= self.expires_at else self.status

    def file(self) -> File:
        """The file of a decided upload, the same every time. Raises ValueError before it is decided."""
        if self.file_id is None or self.completed_at is None:
            raise ValueError(f"Upload {self.id} is {self.status}: its file is not decided.")
        expiry = self.file_expires_after
        return File(
            id=self.file_id,
            owner=self.owner,
            filename=self.filename,
            purpose=self.purpose,
            bytes=self.bytes,
            created_at=self.completed_at,
            expires_at=expiry.expiry(self.completed_at) if expiry else None,
            blob=self.blob,
        )


class UploadPart(msgspec.Struct, frozen=True, kw_only=True):
    """`bytes` that are staged as `blocks` blocks."""

    id: str
    upload_id: str
    bytes: int
    blocks: int
    created_at: datetime

    def block_ids(self) -> list[str]:
        return [block_id(self.id, index) for index in range(self.blocks)]


def block_id(part_id: str, index: int) -> str:
    """Constant width, as block blobs demand."""
    return f"{part_id}{index:05d}"


def check_takes_part(upload: Upload, now: datetime) -> None:
    """Raises WrongState, or Unavailable where the part may be sent again in a moment."""
    if upload.status_at(now) is UploadStatus.CHECKING:
        raise interrupted()
    if upload.status_at(now) is not UploadStatus.PENDING:
        raise _closed(upload, now, "Parts cannot be added to")


def interrupted() -> Unavailable:
    """A completion began while the part was on its way."""
    return Unavailable("The upload was being completed while this part arrived. Send the part again.")


def check_room(upload: Upload, parts: Sequence[UploadPart]) -> None:
    """Whether the upload has room for one part more than `parts`. Raises InvalidRequest."""
    if len(parts) >= MAX_PARTS:
        raise InvalidRequest(f"The upload has {MAX_PARTS} parts already, and no more can be added. Send larger parts.")
    if sum(part.bytes for part in parts) > MOST_REPEATS * upload.bytes:
        raise InvalidRequest(
            f"The parts hold more than {MOST_REPEATS} times the {upload.bytes} bytes that the upload was created for. "
            "Create a new upload with the right number of bytes."
        )


def check_parts(upload: Upload, parts: Sequence[UploadPart], part_ids: Sequence[str]) -> list[UploadPart]:
    """The parts of the file in order. Raises InvalidRequest unless `part_ids` are the upload's and add up to it."""
    known = {part.id: part for part in parts}
    if unknown := next((part_id for part_id in part_ids if part_id not in known), None):
        raise no_such_part(unknown)
    if len(set(part_ids)) < len(part_ids):
        raise InvalidRequest("Invalid 'part_ids': a part is named twice. Name each part once, in order.", **_PART_IDS)
    chosen = [known[part_id] for part_id in part_ids]
    total = sum(part.bytes for part in chosen)
    if total != upload.bytes:
        raise InvalidRequest(
            f"The parts add up to {total} bytes, but the upload was created for {upload.bytes} bytes. "
            "Name every part, or send the missing ones."
        )
    return chosen


_PART_IDS = {"code": "invalid_value", "param": "part_ids"}


def no_such_part(given: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid 'part_ids': the upload has no part '{shortened(given)}'. Use the ids that adding parts answered.",
        **_PART_IDS,
    )


def checking(upload: Upload, part_ids: tuple[str, ...], now: datetime) -> Upload:
    """A completion begins; one that began before and has not ended is taken over. Raises WrongState."""
    if upload.status_at(now) not in _OPEN:
        raise _closed(upload, now, "It is too late to complete")
    return msgspec.structs.replace(
        upload, status=UploadStatus.CHECKING, attempts=upload.attempts + 1, part_ids=part_ids
    )


def reopened(upload: Upload) -> Upload:
    """The completion was refused: parts may be added again."""
    return msgspec.structs.replace(upload, status=UploadStatus.PENDING)


def decided(upload: Upload, part_ids: tuple[str, ...], file_id: str, now: datetime) -> Upload:
    """The check has passed. Raises WrongState if someone else decided otherwise."""
    check_same_parts(upload, part_ids)
    if upload.is_decided:
        return upload
    if upload.status_at(now) not in _OPEN:
        raise _closed(upload, now, "It is too late to complete")
    return msgspec.structs.replace(upload, status=UploadStatus.COMPLETING, file_id=file_id, completed_at=now)


def check_same_parts(upload: Upload, part_ids: tuple[str, ...]) -> None:
    """A repeated completion is the same one only with the same parts. Raises WrongState."""
    if upload.part_ids != part_ids:
        raise WrongState("This upload is completed, or being completed, with other parts. Create a new upload.")


def completed(upload: Upload) -> Upload:
    return msgspec.structs.replace(upload, status=UploadStatus.COMPLETED)


def cancelled(upload: Upload, now: datetime) -> Upload:
    """Cancelling twice is as once. Raises WrongState."""
    if upload.status is UploadStatus.CANCELLED:
        return upload
    if upload.status_at(now) not in _OPEN:
        raise _closed(upload, now, "It is too late to cancel")
    return msgspec.structs.replace(upload, status=UploadStatus.CANCELLED)


def expired(upload: Upload, now: datetime) -> Upload:
    """The record of an upload whose time is over says so; others stay as they are."""
    return msgspec.structs.replace(upload, status=upload.status_at(now))


def _closed(upload: Upload, now: datetime, what: str) -> WrongState:
    status = upload.status_at(now)
    shown = UploadStatus.COMPLETED if upload.is_decided else status
    return WrongState(f"{what} an upload with status '{shown}'. Create a new upload.")
