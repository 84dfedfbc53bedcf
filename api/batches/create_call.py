"""What a create call asks for: its body, checked, and its requests where they are in it instead of in a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

from azurefunctions.extensions.http.fastapi import Request

from api.batches.inline_input import InlineInput
from api.edge.endpoint import Call
from api.edge.json_body import MAX_BODY_BYTES, body_too_large, fields_of, without_mark
from shared.domain.batches.inline_requests import REQUESTS
from shared.domain.batches.new_batch import NewBatch, parse_new_batch
from shared.domain.webhooks.callback import parse_callback

_ADVICE: Final = " Request lines go in a file."
_NAME: Final = REQUESTS.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCall:
    """`body` tells it from any other call: all of it, or a digest where the requests are in it (`requests`)."""

    body: bytes
    new: NewBatch
    requests: InlineInput | None = None

    async def kept(self) -> NewBatch:
        """With its requests as an input file. Raises InvalidRequest."""
        if self.requests is None:
            return self.new
        return replace(self.new, input_file_id=(await self.requests.keep()).id)

    async def drop(self) -> None:
        """Nothing has come of it. Never raises."""
        if self.requests is not None:
            await self.requests.drop()


async def read_create_call(request: Request, call: Call) -> CreateCall:
    """Raises InvalidRequest. A call with requests is to be `kept` once, or dropped."""
    stream = request.stream()
    head, is_whole = await _head(stream)
    requests = await InlineInput.receive(call, _all(head, stream)) if _NAME in head else None
    if requests is None or not requests.is_given:
        if not is_whole:
            raise body_too_large(_ADVICE)
        return CreateCall(body=without_mark(head), new=_parsed(call, without_mark(head)))
    try:
        new = _parsed(call, requests.body, has_requests=True)
    except BaseException:
        await requests.drop()
        raise
    return CreateCall(body=requests.digest, new=new, requests=requests)


async def _head(stream: AsyncIterator[bytes]) -> tuple[bytes, bool]:
    """As much as a body without requests may have, and whether it is all of it."""
    head = bytearray()
    async for piece in stream:
        head += piece
        if len(head) > MAX_BODY_BYTES:
            return bytes(head), False
    return bytes(head), True


async def _all(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for piece in rest:
        yield piece


def _parsed(call: Call, body: bytes, *, has_requests: bool = False) -> NewBatch:
    settings = call.service.settings
    new = parse_new_batch(
        body,
        endpoints=call.dialect.endpoints,
        windows=settings.windows(),
        fills_expiry=call.dialect.fills_expiry,
        takes_any_window=call.dialect.takes_any_window,
        blob_origins=settings.blob_origins(call.caller.owner) if call.dialect.takes_blobs else None,
        max_priority=call.caller.max_priority,
        has_requests=has_requests,
    )
    callback = parse_callback(
        fields_of(body), allow_http=settings.webhook_allow_http, allow_private=settings.webhook_allow_private
    )
    return replace(new, callback=callback)
