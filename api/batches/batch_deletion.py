"""Deleting an ended batch, by choice its files, or every trace (an extension). What it used stays in reports."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from azurefunctions.extensions.http.fastapi import Request, Response

from api.batches.batch_records import find_batch
from api.edge.dialect import batch_id
from api.edge.endpoint import Call, json_response
from api.edge.query import parse_truth
from shared.domain.batches.batch import Batch
from shared.domain.errors import InvalidRequest
from shared.domain.keys.scopes import Scope
from shared.domain.parameters import choice
from shared.run.batches.erase import erase_batch
from shared.run.batches.forget import check_is_over, forget_batch
from shared.run.input.input_bytes import drop_file


class Files(StrEnum):
    """Which of its files go with it."""

    NONE = "none"
    RESULTS = "results"
    ALL = "all"  # Its input file as well.


FILES: Final = "files"
ERASE: Final = "erase"  # All of its files go, and what else has a word of the caller's or leads to one.


async def delete_batch(request: Request, call: Call) -> Response:
    """May be repeated until it is answered; then the batch is unknown."""
    is_erased = parse_truth(request.query_params, ERASE)
    files = _which_files(request.query_params.get(FILES), is_erased)
    batch = (await find_batch(request, call)).value
    if files is not Files.NONE:
        call.caller.require(Scope.FILES_WRITE)
    check_is_over(batch)
    await _drop_files(call, batch, files)
    await (erase_batch if is_erased else forget_batch)(call.service, batch)
    return json_response({"id": batch_id(call.dialect, batch.id), "object": "batch.deleted", "deleted": True})


def _which_files(given: str | None, is_erased: bool) -> Files:
    """Raises InvalidRequest."""
    files = choice(FILES, given or (Files.ALL if is_erased else Files.NONE), Files)
    if is_erased and files is not Files.ALL:
        raise InvalidRequest(
            f"'{ERASE}=true' removes all files of the batch. Leave out '{FILES}', or send '{FILES}={Files.ALL}'.",
            code="invalid_value",
            param=FILES,
        )
    return files


async def _drop_files(call: Call, batch: Batch, files: Files) -> None:
    results = (batch.output_file_id, batch.error_file_id) if files is not Files.NONE else ()
    inputs = (batch.input_file_id,) if files is Files.ALL else ()
    for file_id in filter(None, (*results, *inputs)):
        file = await call.service.stores.files.get(batch.owner, file_id)
        if file is not None:
            await drop_file(call.service, file)
