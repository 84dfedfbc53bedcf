"""The uploads routes: create, add a part, complete, cancel, retrieve (contract 1.5.8).

Handlers parse, load, call the domain, store and return. No vendor has `retrieve`; it helps callers that lost an answer.
"""

from __future__ import annotations

import os
from urllib.parse import quote

from azurefunctions.extensions.http.fastapi import Request, Response

from api.edge.dialect import parse_part_id, parse_upload_id, spell_upload_id
from api.edge.endpoint import Call, json_response
from api.edge.json_body import read_fields
from api.files.receive_part import receive_part
from api.files.upload_rendering import render_part, render_upload
from api.files.uploading import default_expiry, drain
from shared.domain import ids
from shared.domain.errors import DurableBatchError, NotFound
from shared.domain.files.new_upload import parse_completion, parse_new_upload
from shared.domain.files.upload import LIFE, CancelRequested, Upload
from shared.domain.files.upload_parts import MAX_PART_BYTES
from shared.domain.parameters import shortened
from shared.ports.base import Stored
from shared.run.files.file_quota import check_quota
from shared.run.files.uploads import change_upload, complete


async def create_upload(request: Request, call: Call) -> Response:
    settings, now = call.service.settings, call.service.now()
    new = parse_new_upload(
        await read_fields(request), max_batch_bytes=settings.max_file_bytes, max_bytes=settings.max_upload_bytes
    )
    upload = Upload(
        id=ids.new_id(now, os.urandom(10)),
        owner=call.caller.owner,
        filename=new.filename,
        purpose=new.purpose,
        mime_type=new.mime_type,
        bytes=new.bytes,
        created_at=now,
        expires_at=now + LIFE,
        file_expires_after=new.expires_after or default_expiry(call, new.purpose),
    )
    expires = upload.file_expires_after is not None
    await check_quota(call.service, upload.owner, call.caller.limits, expires=expires, size=upload.bytes)
    await call.service.stores.uploads.insert(upload)
    response = await _answer(call, upload)
    if call.dialect.locates_files:
        path = f"/{call.dialect.prefix}/uploads/{spell_upload_id(call.dialect, upload)}"
        response.headers["location"] = f"{path}?api-version={quote(call.api_version or '')}"
    return response


async def retrieve_upload(request: Request, call: Call) -> Response:
    return await _answer(call, (await _find(request, call)).value)


async def add_part(request: Request, call: Call) -> Response:
    body = request.stream()
    try:
        stored = await _find(request, call)
        part = await receive_part(call.service, stored, request.headers.get("content-type"), body)
    except DurableBatchError:
        await drain(body, MAX_PART_BYTES)
        raise
    return json_response(render_part(call.dialect, stored.value, part))


async def complete_upload(request: Request, call: Call) -> Response:
    stored = await _find(request, call)
    wanted = parse_completion(await read_fields(request), parse_part_id)
    return await _answer(call, await complete(call.service, stored.value, wanted))


async def cancel_upload(request: Request, call: Call) -> Response:
    """No body is read: SDKs announce JSON and send none. The bytes go at once."""
    upload = (await _find(request, call)).value
    stored = await change_upload(call.service, upload, CancelRequested())
    await call.service.stores.blobs.delete(upload.blob)
    return await _answer(call, stored.value)


async def _find(request: Request, call: Call) -> Stored[Upload]:
    given = request.path_params["upload_id"]
    canonical = parse_upload_id(given)
    stored = await call.service.stores.uploads.get(call.caller.owner, canonical) if canonical else None
    if stored is None:
        raise NotFound(f"No such Upload object: {shortened(given)}", param="id")
    return stored


async def _answer(call: Call, upload: Upload) -> Response:
    file = await call.service.stores.files.get(upload.owner, upload.file_id) if upload.file_id else None
    return json_response(render_upload(call.dialect, upload, file, call.service.now()))
