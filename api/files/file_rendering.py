"""Files as the caller's dialect shows them (contract 1.7). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.edge.dialect import Dialect, upload_id
from api.edge.rendered_values import documented, unix_seconds
from shared.domain.files.file import RESULT_PURPOSE, File


def file_id(dialect: Dialect, file: File) -> str:
    """Azure spells the ids of its own result files differently from those of uploads."""
    if file.purpose == RESULT_PURPOSE:
        return dialect.rules.result_id(file.id)
    return upload_id(dialect, file.id)


def render_file(dialect: Dialect, file: File) -> dict[str, Any]:
    """`status` is `processed` from the start: pollers wait for it (contract 6.2)."""
    rendered = {
        "id": file_id(dialect, file),
        "object": "file",
        "bytes": file.bytes,
        "created_at": unix_seconds(file.created_at),
        "expires_at": unix_seconds(file.expires_at),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }
    return documented(rendered, dialect.file_keys)


def render_deleted_file(dialect: Dialect, file: File) -> dict[str, Any]:
    return {"id": file_id(dialect, file), "object": "file", "deleted": True}


def render_files(dialect: Dialect, files: Sequence[File], *, has_more: bool) -> dict[str, Any]:
    """Azure classic has no paging keys; elsewhere all five are required strings, on empty pages too (contract 1.5.2).

    But a page that the caller's own `limit` cut has them there, too: the npm SDK takes one without for the whole list.
    """
    data = [render_file(dialect, file) for file in files]
    page = {"object": "list", "data": data}
    if not (dialect.pages_files or has_more):
        return page
    return page | {
        "first_id": data[0]["id"] if data else "",
        "last_id": data[-1]["id"] if data else "",
        "has_more": has_more,
    }
