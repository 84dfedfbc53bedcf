"""A batch's output as a file before it is one, and past a line (an extension): what clients follow a batch by.

Rule of this file: an output file is shown early to who asks for it alone; others take its id for the end of the batch.
What is served is what `results` serves, and the offset is a line of the input, before the end and after it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

from azurefunctions.extensions.http.fastapi import Request, Response, StreamingResponse

from api.batches.results import INCOMPLETE, MOST_LINES, MOST_RESULTS, Outcome, ResultsQuery, answer_page, gone
from api.edge.dialect import OK, parse_file_id, result_id
from api.edge.endpoint import Call
from api.files import files
from shared.domain.batches.batch import Batch
from shared.domain.batches.early_output import batch_promised_by, early_output_id
from shared.domain.batches.new_batch import NewBatch
from shared.domain.deployments.leaders import NEIGHBOURS, narrower
from shared.domain.errors import NotFound
from shared.domain.files.file import RESULT_PURPOSE
from shared.domain.parameters import whole_number_text
from shared.ports.base import BlobMissing
from shared.run.batches.change import load
from shared.run.chunks.finished_lines import ended_lines

HEADER: Final = "x-early-output"
OFFSET: Final = "offset"


def with_early_output(request: Request, call: Call, batch: Batch, shown: dict[str, Any]) -> dict[str, Any]:
    """`shown` with the id of the output to come, for who asks for it."""
    if batch.is_terminal or request.headers.get(HEADER) != "true":
        return shown
    return shown | {"output_file_id": result_id(call.dialect, early_output_id(batch.id))}


def with_early_lines(request: Request, new: NewBatch) -> NewBatch:
    """Who reads results while a batch runs wants its first lines first: they do not leave their neighbours."""
    if request.headers.get(HEADER) != "true":
        return new
    return replace(new, leaders_first=narrower(new.leaders_first, NEIGHBOURS))


async def download_file(request: Request, call: Call) -> Response:
    """A file's content; of an output to come what is there of it."""
    offset = request.query_params.get(OFFSET)
    after = whole_number_text(OFFSET, offset, 0, MOST_LINES) if offset else 0
    if after and (found := await _batch_of(request, call)):
        return await _rest(call, *found, after)
    try:
        return await files.download_file(request, call)
    except NotFound:
        batch = await _promising(request, call)
        if batch is None or request.method == "HEAD":
            raise
    if not batch.is_terminal:
        wanted = ResultsQuery(after=after, limit=MOST_RESULTS, outcome=Outcome.SUCCEEDED, custom_id=None)
        return await answer_page(call, batch, wanted, files.CONTENT_TYPE)
    request.path_params["file_id"] = batch.output_file_id or ""
    return await _rest(call, batch, "output", after) if after else await files.download_file(request, call)


async def _promising(request: Request, call: Call) -> Batch | None:
    """The batch whose output is to have this id."""
    canonical = parse_file_id(request.path_params["file_id"])
    return await load(call.service, call.caller.owner, batch_promised_by(canonical)) if canonical else None


async def _batch_of(request: Request, call: Call) -> tuple[Batch, str] | None:
    """The ended batch of this result file, and which of the two it is."""
    canonical = parse_file_id(request.path_params["file_id"])
    file = await call.service.stores.files.get(call.caller.owner, canonical) if canonical else None
    if file is None or file.purpose != RESULT_PURPOSE or file.is_expired(call.service.now()):
        return None
    _, batch_id, kind = file.blob.split("/")
    batch = await load(call.service, file.owner, batch_id)
    return (batch, kind) if batch is not None and batch.is_terminal else None


async def _rest(call: Call, batch: Batch, kind: str, after: int) -> Response:
    """All of it past a line of the input. Raises WrongState where the input is gone, which puts them in order."""

    async def lines() -> AsyncIterator[bytes]:
        async for result in ended_lines(call.service, batch, after):
            if result.completed is (kind == "output"):
                yield result.data

    try:
        content = await files.begun(lines())
    except BlobMissing:
        raise gone(batch) from None
    return StreamingResponse(content, OK, {INCOMPLETE: "false"}, media_type=files.CONTENT_TYPE)
