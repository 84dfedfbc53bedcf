"""The files routes: upload, list, retrieve, delete, download (contract 1.5.1 to 1.5.4).

Handlers parse, load, call the domain, store and return; an expired file is gone for them before it is swept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

from azurefunctions.extensions.http.fastapi import Request, Response, StreamingResponse

from api.edge.byte_range import parse_range
from api.edge.conditions import check_match, is_known, serves_range
from api.edge.dialect import OK, parse_file_id
from api.edge.endpoint import NOT_MODIFIED, PARTIAL_CONTENT, Call, json_response
from api.edge.query import Page, parse_page
from api.files.file_rendering import file_id, render_deleted_file, render_file, render_files
from api.files.uploading import receive_file
from shared.domain.errors import InvalidRequest, NotFound
from shared.domain.files.file import File
from shared.domain.parameters import shortened
from shared.ports.base import BlobMissing
from shared.run.input.input_bytes import drop_file
from shared.telemetry.attributes import DIRECTION, PURPOSE
from shared.telemetry.metrics import FILE_BYTES

MAX_LIST = 10_000
CONTENT_TYPE = "application/octet-stream"


async def create_file(request: Request, call: Call) -> Response:
    try:
        file = await receive_file(request, call)
    except InvalidRequest as error:
        error.told_twice = True
        raise
    response = json_response(render_file(call.dialect, file), call.dialect.created_file)
    if call.dialect.locates_files:
        path = f"/{call.dialect.prefix}/files/{file_id(call.dialect, file)}"
        response.headers["location"] = f"{path}?api-version={quote(call.api_version or '')}"
    return response


async def list_files(request: Request, call: Call) -> Response:
    page = parse_page(request.query_params, parse_file_id, default=MAX_LIST, most=MAX_LIST)
    files = await _live_files(call, page, request.query_params.get("purpose") or None)
    has_more = len(files) > page.limit
    return json_response(render_files(call.dialect, files[: page.limit], has_more=has_more))


async def retrieve_file(request: Request, call: Call) -> Response:
    return json_response(render_file(call.dialect, await _find(request, call)))


async def delete_file(request: Request, call: Call) -> Response:
    """Also while a batch reads the file: that batch goes on (contract 1.5.3)."""
    file = await _find(request, call)
    await drop_file(call.service, file)
    return json_response(render_deleted_file(call.dialect, file))


async def download_file(request: Request, call: Call) -> Response:
    """`Content-Length` always; one `Range`, unless `If-Range` names another version; 304 for what is known already.

    A HEAD may arrive here, too: newer hosts hand it to the function that takes GET.
    """
    if request.method == "HEAD":
        return await inspect_file(request, call)
    file, size, etag = await _find_content(request, call)
    if is_known(request.headers.get("if-none-match"), etag):
        return Response(status_code=NOT_MODIFIED, headers={"etag": etag})
    wanted = request.headers.get("range") if serves_range(request.headers.get("if-range"), etag) else None
    part = parse_range(wanted, size)
    start, length = (part.start, part.length) if part else (0, size)
    headers = _content_headers(file, length, etag)
    if part:
        headers["content-range"] = part.content_range
    content = await begun(call.service.stores.blobs.read(file.blob, start, length))
    status = PARTIAL_CONTENT if part else OK
    FILE_BYTES.record(length, {PURPOSE: file.purpose, DIRECTION: "download"})
    return StreamingResponse(content, status, headers, media_type=CONTENT_TYPE)


async def begun(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """`content` with its first piece read: what cannot be read is an answer, not a connection that breaks."""
    first = await anext(content, b"")

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in content:
            yield piece

    return whole()


async def inspect_file(request: Request, call: Call) -> Response:
    """HEAD of the download: its headers, no bytes (a `Range` means nothing here, RFC 9110 14.2)."""
    file, size, etag = await _find_content(request, call)
    if is_known(request.headers.get("if-none-match"), etag):
        return Response(status_code=NOT_MODIFIED, headers={"etag": etag})
    return Response(headers=_content_headers(file, size, etag), media_type=CONTENT_TYPE)


async def import_file(request: Request, call: Call) -> Response:  # noqa: ARG001 - a handler's parameters
    """Azure's import from a URL. Never: the service would have to fetch what a caller names."""
    raise InvalidRequest(
        "Files cannot be imported from a URL. Download the file and send it to POST /files, or in parts to "
        "POST /uploads; a batch can read a blob directly through 'input_blob'.",
        param="content_url",
    )


async def _find_content(request: Request, call: Call) -> tuple[File, int, str]:
    """The file, its size, and its entity tag: content never changes, so its id is one. Raises PreconditionFailed."""
    file = await _find(request, call)
    etag = f'"{file.id}"'
    check_match(request.headers.get("if-match"), etag)
    try:
        return file, await call.service.stores.blobs.size(file.blob), etag
    except BlobMissing:
        await _find(request, call)  # Deleted at this moment. If not, the service has lost its bytes: a fault, logged.
        raise


def _content_headers(file: File, length: int, etag: str) -> dict[str, str]:
    return {
        "content-length": str(length),
        "content-disposition": _attachment(file.filename),
        "etag": etag,
        "accept-ranges": "bytes",
    }


async def _find(request: Request, call: Call) -> File:
    given = request.path_params["file_id"]
    canonical = parse_file_id(given)
    file = await call.service.stores.files.get(call.caller.owner, canonical) if canonical else None
    if file is None or file.is_expired(call.service.now()):
        raise _no_such_file(given)
    return file


def _no_such_file(given: str) -> NotFound:  # Literal: contract 1.3, 9.3.
    error = NotFound(f"No such File object: {shortened(given)}", param="id")
    error.told_twice = True
    return error


async def _live_files(call: Call, page: Page, purpose: str | None) -> list[File]:
    """One more than the page holds, if there are so many; expired files that still wait to be swept do not count."""
    now, wanted, after, files = call.service.now(), page.limit + 1, page.after, list[File]()
    while len(files) < wanted:
        found = await call.service.stores.files.list(
            call.caller.owner, purpose=purpose, after=after, limit=wanted, newest_first=page.newest_first
        )
        files += [file for file in found if not file.is_expired(now)]
        if len(found) < wanted:
            break
        after = found[-1].id
    return files[:wanted]


def _attachment(filename: str) -> str:
    """RFC 6266: an ASCII fallback for old clients, then the true name; nothing in it can end the header."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
