"""The results of a batch as a route: JSON Lines in input order, while it runs as well. An extension.

Rule of this file: an answer is a page of bounded size, put together before it is sent, so its headers say what is in it
and no answer breaks off. `X-Last-Line` is where the next call goes on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, cast

from azurefunctions.extensions.http.fastapi import Request, Response

from api.batches.batch_records import find_batch
from api.edge.dialect import OK
from api.edge.endpoint import Call
from shared.domain.batches.batch import Batch
from shared.domain.errors import Unavailable, WrongState
from shared.domain.lines.request_line import custom_id_of
from shared.domain.parameters import choice, whole_number_text
from shared.ports.base import BlobMissing
from shared.run.chunks.finished_lines import ended_lines, running_lines
from shared.run.chunks.journal import Result

CONTENT_TYPE: Final = "application/jsonl"
INCOMPLETE: Final = "x-incomplete"
LAST_LINE: Final = "x-last-line"
DEFAULT_RESULTS: Final = 1_000
MOST_RESULTS: Final = 50_000
_PAGE_BYTES: Final = 8 * 1024 * 1024  # A line that is larger is a page of its own.
MOST_LINES: Final = 10**12


class Outcome(StrEnum):
    """Which results are wanted."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsQuery:
    """Up to `limit` results past line `after` of the input."""

    after: int
    limit: int
    outcome: Outcome | None
    custom_id: str | None

    def wants(self, result: Result) -> bool:
        if self.outcome is not None and result.completed is not (self.outcome is Outcome.SUCCEEDED):
            return False
        return self.custom_id is None or custom_id_of(result.data) == self.custom_id


@dataclass(slots=True, kw_only=True)
class _Page:
    """`last`: the last line that was looked at. `is_cut`: there is more already. `is_all`: nothing else can come."""

    last: int
    lines: list[bytes] = field(default_factory=list)
    is_cut: bool = False
    is_all: bool = False


def parse_results_query(query: Mapping[str, str]) -> ResultsQuery:
    """Raises InvalidRequest. Parameters left empty count as absent."""
    after, limit, status = query.get("after"), query.get("limit"), query.get("status")
    return ResultsQuery(
        after=whole_number_text("after", after, 0, MOST_LINES) if after else 0,
        limit=whole_number_text("limit", limit, 1, MOST_RESULTS) if limit else DEFAULT_RESULTS,
        outcome=choice("status", status, Outcome) if status else None,
        custom_id=query.get("custom_id") or None,
    )


async def list_results(request: Request, call: Call) -> Response:
    query = parse_results_query(request.query_params)
    batch = (await find_batch(request, call)).value
    await _check_are_here(call, batch)
    return await answer_page(call, batch, query, CONTENT_TYPE)


async def answer_page(call: Call, batch: Batch, query: ResultsQuery, media_type: str) -> Response:
    """The page that is wanted, as it is now. Raises WrongState, Unavailable."""
    try:
        page = await _read(call, batch, query)
    except BlobMissing:
        raise (gone(batch) if batch.is_terminal else _ends(batch)) from None
    is_incomplete = page.is_cut or not (batch.is_terminal or page.is_all)
    headers = {INCOMPLETE: "true" if is_incomplete else "false", LAST_LINE: str(page.last)}
    return Response(b"".join(page.lines), OK, headers, media_type=media_type)


async def _check_are_here(call: Call, batch: Batch) -> None:
    """Raises WrongState where an ended batch has no results of ours any more."""
    if batch.is_terminal and batch.output_folder and batch.output_file_id is None is batch.error_file_id:
        raise gone(batch)
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        file = await call.service.stores.files.get(batch.owner, file_id)
        if file is None or file.is_expired(call.service.now()):
            raise gone(batch)


def _ends(batch: Batch) -> Unavailable:
    return Unavailable(f"The batch, which was {batch.status}, ends at this moment. Send the same call again.")


def gone(batch: Batch) -> WrongState:
    if batch.output_folder:
        return WrongState("The results of this batch are in your storage: read its output_blob and error_blob.")
    return WrongState(
        "The results of an ended batch are put in order by its input file, and that or a result file was deleted or "
        "has expired. Download what is left: output_file_id and error_file_id of the batch."
    )


async def _read(call: Call, batch: Batch, query: ResultsQuery) -> _Page:
    service, after = call.service, query.after
    if batch.is_terminal:
        lines = ended_lines(service, batch, after)
    else:
        lines = running_lines(service, batch, after, in_order=query.custom_id is None)
    page, size = _Page(last=after), 0
    async with aclosing(cast("AsyncGenerator[Result]", lines)) as found:
        async for result in found:
            if query.wants(result):
                size += len(result.data)
                if page.lines and (len(page.lines) >= query.limit or size > _PAGE_BYTES):
                    page.is_cut = True
                    break
                page.lines.append(result.data)
            page.last = result.line
            if query.custom_id is not None and page.lines:  # It is unique.
                page.is_all = True
                break
    return page
