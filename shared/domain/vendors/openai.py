"""OpenAI's rules, which others follow where they have none of their own."""

from __future__ import annotations

import json
from typing import Final

from shared.domain import ids
from shared.domain.vendors.vendor import LINE_ID_PREFIX, Literal, Parts, VendorRules

NOT_JSON: Final = "This line is not parseable as valid JSON."


def _batch(canonical: str) -> str:
    return canonical


def _response(request_line_id: str, request_id: str | None, status: int, body: bytes) -> Parts:
    name = json.dumps(request_id or request_line_id.removeprefix(LINE_ID_PREFIX)).encode()
    return b'{"status_code":%d,"request_id":%b,"body":' % (status, name), body, b"}"


def _line(request_line_id: str, custom_id: bytes, response: Parts, error: bytes) -> bytes:
    """Contract 4.1."""
    begin = b'{"id":"%b","custom_id":%b,"response":' % (request_line_id.encode(), custom_id)
    return b"".join((begin, *response, b',"error":', error, b"}\n"))


OPENAI: Final = VendorRules(
    file_prefix="file-",
    spell_upload=ids.to_base62,
    spell_result=ids.to_base62,
    spell_batch=_batch,
    endpoint_prefixes=("/v1",),
    codes={},
    byte_order_mark=Literal(code="invalid_json_line", message=NOT_JSON, line=1),
    quota_sentence=(
        "Enqueued token limit reached for {model} in organization {organization}. Limit: {limit:,} enqueued "
        "tokens. Please try again once some in_progress batches have been completed."
    ),
    expires=True,
    results_expire=True,
    keeps_empty_files=False,
    write_response=_response,
    write_line=_line,
)
