"""Azure's rules, the same in both of its dialects."""

from __future__ import annotations

import uuid
from typing import Final

from shared.domain import ids
from shared.domain.vendors.vendor import LINE_ID_PREFIX, Literal, Parts, VendorRules

# Azure's name of a thing that OpenAI has a code for (contract 3.4): everything that is wrong with a line's schema is
# `invalid_request`.
_CODES: Final = {
    "invalid_url": "url_mismatch",
    "mismatched_model": "model_mismatch",
    "missing_required_parameter": "invalid_request",
    "invalid_type": "invalid_request",
    "invalid_value": "invalid_request",
    "streaming_unsupported": "invalid_request",
    "background_unsupported": "invalid_request",
}
_NO_DEPLOYMENT: Final = (
    "Validation failed: A valid model deployment name couldn't be extracted from the input file. Please ensure that "
    "each row in the input file has a valid deployment name specified in the 'model' field, and that the deployment "
    "name is consistent across all rows."
)


def _upload(canonical: str) -> str:
    return canonical


def _response(request_line_id: str, request_id: str | None, status: int, body: bytes) -> Parts:
    name = _request_id(request_id, request_line_id).encode()
    return b'{"body":', body, b',"request_id":"%b","status_code":%d}' % (name, status)


def _request_id(request_id: str | None, request_line_id: str) -> str:
    """A UUID with dashes (contract 4.2); an upstream's id of another form gives way to one made from the line's."""
    try:
        return str(uuid.UUID(request_id))
    except (ValueError, TypeError, AttributeError):
        return str(uuid.UUID(request_line_id.removeprefix(LINE_ID_PREFIX)))


def _line(_: str, custom_id: bytes, response: Parts, error: bytes) -> bytes:
    """Contract 4.2: without an id."""
    return b"".join((b'{"custom_id":', custom_id, b',"response":', *response, b',"error":', error, b"}\n"))


AZURE: Final = VendorRules(
    file_prefix="file-",
    spell_upload=_upload,
    spell_result=ids.to_uuid,
    spell_batch=ids.to_uuid,
    endpoint_prefixes=("", "/v1"),
    codes=_CODES,
    byte_order_mark=Literal(code="invalid_request", message=_NO_DEPLOYMENT),
    # Azure's wording, with the code in the text, which its own samples look for.
    quota_sentence=(
        "token_limit_exceeded: The number of enqueued tokens has surpassed the configured limit of {limit:,} enqueued "
        "tokens for the deployment '{model}': {enqueued:,} are enqueued and this batch has {tokens:,}. "
        "Please try again once some in_progress batches have been completed."
    ),
    expires=False,
    results_expire=False,
    keeps_empty_files=True,
    write_response=_response,
    write_line=_line,
)
