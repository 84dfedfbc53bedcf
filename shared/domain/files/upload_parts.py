"""Which parts an upload takes, and which of them make its file (contract 1.5.8)."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.errors import InvalidRequest
from shared.domain.files.upload import Upload, UploadPart
from shared.domain.parameters import shortened

MAX_PART_BYTES = 67_108_864
MAX_PARTS = 2_000  # As many as 8 GiB in parts of about 4 MiB, and few enough for one block list.
MOST_REPEATS = 4  # Of the declared bytes, parts that were sent again included.


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
