"""A large file sent in parts: the upload's record, its parts, and what may happen to it when (contract 1.5.8).

A part is a run of blocks staged in the blob that the file will be; completing commits the runs in the caller's order.
Rule of this file: every change of a record goes through `apply`, and what is allowed is the table `TRANSITIONS`.

    pending ⇄ checking ──► completing ──► completed
       └─────────┴──► cancelled | expired

While it is `checking`, the blocks are committed and read: parts that arrive then would lose theirs and are refused.
From `completing` on the file is decided; what is left to do may be repeated by anyone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.domain.errors import Unavailable, WrongState
from shared.domain.files.file import ExpiresAfter, File, upload_blob

LIFE = timedelta(hours=1)


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


class CompletionAsked(msgspec.Struct, frozen=True):
    """The caller wants its file, of these parts. A completion that began before and has not ended is taken over."""

    part_ids: tuple[str, ...]


class CheckFailed(msgspec.Struct, frozen=True):
    """The completion was refused: parts may be added again."""


class CheckPassed(msgspec.Struct, frozen=True):
    """The file is good, and will have this id. `part_ids` are those that were checked."""

    part_ids: tuple[str, ...]
    file_id: str


class FileMade(msgspec.Struct, frozen=True):
    """The file's bytes and record are in place."""


class CancelRequested(msgspec.Struct, frozen=True):
    """The caller wants no file."""


class SweptBy(msgspec.Struct, frozen=True):
    """A timer came by: a record whose time is over says so."""


Event = CompletionAsked | CheckFailed | CheckPassed | FileMade | CancelRequested | SweptBy

# (event, status at the time of the event) -> next status. What is missing is not allowed.
TRANSITIONS: Mapping[type, Mapping[UploadStatus, UploadStatus]] = {
    CompletionAsked: {
        UploadStatus.PENDING: UploadStatus.CHECKING,
        UploadStatus.CHECKING: UploadStatus.CHECKING,
        UploadStatus.COMPLETING: UploadStatus.COMPLETING,
        UploadStatus.COMPLETED: UploadStatus.COMPLETED,
    },
    CheckFailed: {UploadStatus.CHECKING: UploadStatus.PENDING},
    CheckPassed: {
        UploadStatus.PENDING: UploadStatus.COMPLETING,  # Another check of the same parts failed meanwhile.
        UploadStatus.CHECKING: UploadStatus.COMPLETING,
        UploadStatus.COMPLETING: UploadStatus.COMPLETING,
        UploadStatus.COMPLETED: UploadStatus.COMPLETED,
    },
    FileMade: {
        UploadStatus.COMPLETING: UploadStatus.COMPLETED,
        UploadStatus.COMPLETED: UploadStatus.COMPLETED,
    },
    CancelRequested: {
        UploadStatus.PENDING: UploadStatus.CANCELLED,
        UploadStatus.CHECKING: UploadStatus.CANCELLED,
        UploadStatus.CANCELLED: UploadStatus.CANCELLED,
    },
    SweptBy: {status: status for status in UploadStatus},
}


def apply(upload: Upload, event: Event, now: datetime) -> Upload:
    """The record after `event`; an equal one where nothing changes.

    Raises WrongState if the event is not allowed in the upload's state, or its parts are not those of the completion.
    """
    if isinstance(event, CheckPassed):
        check_same_parts(upload, event.part_ids)
    before = upload.status_at(now)
    status = TRANSITIONS[type(event)].get(before)
    if status is None:
        verb = "cancel" if isinstance(event, CancelRequested) else "complete"
        raise _closed(upload, now, f"It is too late to {verb}")
    changed = msgspec.structs.replace(upload, status=status)
    if isinstance(event, CompletionAsked) and status is UploadStatus.CHECKING:
        return msgspec.structs.replace(changed, attempts=upload.attempts + 1, part_ids=event.part_ids)
    if isinstance(event, CheckPassed) and status is not before:
        return msgspec.structs.replace(changed, file_id=event.file_id, completed_at=now)
    return changed


def check_same_parts(upload: Upload, part_ids: tuple[str, ...]) -> None:
    """A repeated completion is the same one only with the same parts. Raises WrongState."""
    if upload.part_ids != part_ids:
        raise WrongState("This upload is completed, or being completed, with other parts. Create a new upload.")


def _closed(upload: Upload, now: datetime, what: str) -> WrongState:
    status = upload.status_at(now)
    shown = UploadStatus.COMPLETED if upload.is_decided else status
    return WrongState(f"{what} an upload with status '{shown}'. Create a new upload.")
