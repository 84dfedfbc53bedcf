"""Uploads and their parts as the caller's dialect shows them (contract 1.7). Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.edge.dialect import Dialect, azure_block_id, spell_upload_id
from api.files.file_rendering import render_file
from shared.domain.files.file import File
from shared.domain.files.upload import Upload, UploadPart, UploadStatus

_UNSEEN = frozenset({UploadStatus.CHECKING, UploadStatus.COMPLETING})


def render_upload(dialect: Dialect, upload: Upload, file: File | None, now: datetime) -> dict[str, Any]:
    """`file` only once the upload is completed (contract 9.3); null when that file has been deleted."""
    status = upload.status_at(now)
    rendered = {
        "id": spell_upload_id(dialect, upload),
        "object": "upload",
        "bytes": upload.bytes,
        "created_at": int(upload.created_at.timestamp()),
        "expires_at": int(upload.expires_at.timestamp()),
        "filename": upload.filename,
        "purpose": upload.purpose,
        "status": (UploadStatus.PENDING if status in _UNSEEN else status).value,
    }
    if status is not UploadStatus.COMPLETED:
        return rendered
    return rendered | {"file": render_file(dialect, file) if file else None}


def render_part(dialect: Dialect, upload: Upload, part: UploadPart) -> dict[str, Any]:
    rendered = {
        "id": f"{dialect.part_prefix}{part.id}",
        "object": "upload.part",
        "created_at": int(part.created_at.timestamp()),
        "upload_id": spell_upload_id(dialect, upload),
    }
    return rendered | ({"azure_block_id": azure_block_id(part.id)} if dialect.shows_block_ids else {})
