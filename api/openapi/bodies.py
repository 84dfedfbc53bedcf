"""What callers send, as JSON Schema: request bodies and query parameters, which differ by dialect. Pure.

Rule of this file: limits and closed sets are the domain's constants; what a dialect changes is asked of its table.
"""

from __future__ import annotations

from typing import Any, Final

from api.batches.batch_deletion import ERASE, FILES, Files
from api.batches.batch_list import DEFAULT_LIST, MAX_LIST
from api.batches.results import DEFAULT_RESULTS, MOST_RESULTS, Outcome
from api.edge.dialect import Dialect
from api.files.files import MAX_LIST as MAX_FILES
from api.openapi.schemas import LEADERS, METADATA, SECONDS, TEXT, TRUTH, Schema, one_of, only, or_null, ref
from api.webhooks.webhooks import DEFAULT_LIST as DEFAULT_WEBHOOKS
from api.webhooks.webhooks import MAX_LIST as MAX_WEBHOOKS
from shared.domain.batches.batch import Status
from shared.domain.batches.new_batch import MAX_ID, MAX_KEY, MAX_PAIRS, MAX_VALUE
from shared.domain.batches.retry_codes import CODES
from shared.domain.files.blob_address import MAX_URL
from shared.domain.files.file import PURPOSES
from shared.domain.files.new_file import EXPIRY_SECONDS, MAX_FILENAME
from shared.domain.files.new_upload import MAX_MIME_TYPE
from shared.domain.files.upload_parts import MAX_PARTS
from shared.domain.keys.priority import Priority
from shared.domain.webhooks.address import MAX_URL as MAX_CALLBACK
from shared.domain.webhooks.event import EventType
from shared.domain.webhooks.new_endpoint import MAX_NAME
from shared.domain.webhooks.signature import PREFIX as SECRET_PREFIX

Parameter = dict[str, Any]
_BINARY: Schema = {"type": "string", "format": "binary"}
_EXPIRY_SECONDS: Schema = {"type": "integer", "minimum": EXPIRY_SECONDS[0], "maximum": EXPIRY_SECONDS[1]}
_REQUESTS: Final = (
    "In place of `input_file_id`: the requests themselves. They are read as they come, so they stand last in the body."
)
_EVENT_TYPES: Schema = {"type": "array", "items": one_of(EventType), "minItems": 1}


def body(schema: Schema, *, media_type: str = "application/json", required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {media_type: {"schema": schema}}}


def _fields(properties: dict[str, Schema], *required: str) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def _expiry(dialect: Dialect | None = None) -> Schema:
    parts = {"anchor": only("created_at"), "seconds": _EXPIRY_SECONDS}
    return _fields(parts, *(() if dialect and dialect.fills_expiry else parts))


_REQUEST: Schema = _fields(
    {
        "custom_id": TEXT,
        "method": {"const": "POST"},
        "url": TEXT,
        "body": {"type": "object"},
        "params": {"type": "object", "description": "Another name of `body`."},
    },
    "custom_id",
)


def new_file(_: Dialect) -> dict[str, Any]:
    """`expires_after.anchor` and `expires_after.seconds` are understood as well (contract 1.5.1)."""
    fields = {
        "purpose": one_of(PURPOSES),
        "expires_after[anchor]": only("created_at"),
        "expires_after[seconds]": _EXPIRY_SECONDS,
        "file": _BINARY,
    }
    return body(_fields(fields, "purpose", "file"), media_type="multipart/form-data")


def new_upload(_: Dialect) -> dict[str, Any]:
    fields = {
        "filename": {**TEXT, "maxLength": MAX_FILENAME},
        "purpose": one_of(PURPOSES),
        "bytes": {"type": "integer", "minimum": 1},
        "mime_type": {**TEXT, "maxLength": MAX_MIME_TYPE},
        "expires_after": or_null(_expiry()),
    }
    return body(_fields(fields, "filename", "purpose", "bytes", "mime_type"))


def new_part(_: Dialect) -> dict[str, Any]:
    return body(_fields({"data": _BINARY}, "data"), media_type="multipart/form-data")


def completion(_: Dialect) -> dict[str, Any]:
    fields: dict[str, Schema] = {
        "part_ids": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": MAX_PARTS},
        "md5": {"type": ["string", "null"], "pattern": "^[0-9a-fA-F]{32}$"},
    }
    return body(_fields(fields, "part_ids"))


def new_batch(dialect: Dialect) -> dict[str, Any]:
    """An input is a file, requests in the call or, in Azure's dialects, a blob."""
    fields: dict[str, Schema] = {
        "input_file_id": or_null({**TEXT, "maxLength": MAX_ID}),
        "endpoint": one_of(sorted(dialect.endpoints)),
        "completion_window": {**TEXT, "description": "Those of the setting BATCH_COMPLETION_WINDOWS, such as 24h."},
        "metadata": {
            **METADATA,
            "maxProperties": MAX_PAIRS,
            "propertyNames": {"maxLength": MAX_KEY},
            "additionalProperties": {**TEXT, "maxLength": MAX_VALUE},
        },
        "output_expires_after": or_null(_expiry(dialect)),
        "priority": or_null(one_of(Priority)),
        "leaders_first": or_null(LEADERS),
    }
    if dialect.takes_blobs:
        address: Schema = {**TEXT, "format": "uri", "maxLength": MAX_URL}
        fields["input_blob"] = or_null(address)
        fields["output_folder"] = or_null(_fields({"url": address, "delimiter": only("/")}, "url"))
    fields |= {
        "callback_url": or_null({**TEXT, "format": "uri", "maxLength": MAX_CALLBACK}),
        "callback_secret": or_null({**TEXT, "pattern": f"^{SECRET_PREFIX}", "writeOnly": True}),
        "model": {**TEXT, "description": "With `requests`: the model of those whose body names none."},
        "body": {"type": "object", "description": "With `requests`: fields of each body that does not have them."},
        "requests": {"type": "array", "items": _REQUEST, "minItems": 1, "description": _REQUESTS},
    }
    return body(_fields(fields, "endpoint", "completion_window"))


def retry(_: Dialect) -> dict[str, Any]:
    codes = {
        "type": "array",
        "items": TEXT,
        "minItems": 1,
        "description": "Codes of `failures`: only what failed with one of these. All that failed without it.",
    }
    return body(_fields({CODES: or_null(codes)}), required=False)


def batch_terms(_: Dialect) -> dict[str, Any]:
    """One of both at least."""
    fields: dict[str, Schema] = {"priority": or_null(one_of(Priority)), "completion_window": or_null(TEXT)}
    return body(_fields(fields), required=False)


_WEBHOOK: dict[str, Schema] = {
    "name": {**TEXT, "minLength": 1, "maxLength": MAX_NAME},
    "url": {**TEXT, "format": "uri"},
    "event_types": _EVENT_TYPES,
}


def new_webhook(_: Dialect) -> dict[str, Any]:
    return body(_fields(_WEBHOOK, *_WEBHOOK))


def webhook_changes(_: Dialect) -> dict[str, Any]:
    return body(_fields({name: or_null(schema) for name, schema in _WEBHOOK.items()}), required=False)


def rotation(_: Dialect) -> dict[str, Any]:
    return body(_fields({"keep_old_secret_active_for_24_hours": or_null(TRUTH)}), required=False)


def webhook_test(_: Dialect) -> dict[str, Any]:
    return body(_fields({"event_type": one_of(EventType)}, "event_type"))


def webhook_event() -> dict[str, Any]:
    return body(ref("WebhookEvent"))


def page_query(default: int, most: int) -> list[Parameter]:
    limit: Schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return [
        {"name": "after", "in": "query", "schema": TEXT, "description": "The id of the last item of the page before."},
        {"name": "limit", "in": "query", "schema": limit},
    ]


def order_query() -> Parameter:
    return {"name": "order", "in": "query", "schema": {**one_of(("asc", "desc")), "default": "desc"}}


def file_query(_: Dialect) -> list[Parameter]:
    return [*page_query(MAX_FILES, MAX_FILES), order_query(), {"name": "purpose", "in": "query", "schema": TEXT}]


def batch_query(dialect: Dialect) -> list[Parameter]:
    """The filters are extensions; `$filter` and `$orderby` are Azure's."""
    filters: list[Parameter] = [
        {
            "name": "status",
            "in": "query",
            "style": "form",
            "explode": False,
            "schema": {"type": "array", "items": one_of(Status)},
        },
        {"name": "model", "in": "query", "schema": TEXT},
        {"name": "created_after", "in": "query", "schema": {**SECONDS, "minimum": 0}},
        {"name": "created_before", "in": "query", "schema": {**SECONDS, "minimum": 0}},
        {
            "name": "metadata",
            "in": "query",
            "style": "deepObject",
            "explode": True,
            "schema": {"type": "object", "additionalProperties": TEXT},
        },
    ]
    odata: list[Parameter] = [
        {"name": "$filter", "in": "query", "schema": TEXT, "example": "created_at gt 1728860560"},
        {"name": "$orderby", "in": "query", "schema": one_of(("created_at asc", "created_at desc"))},
    ]
    return [*page_query(DEFAULT_LIST, MAX_LIST), order_query(), *filters, *(odata if dialect.reads_odata else ())]


def batch_deletion(_: Dialect) -> list[Parameter]:
    return [
        {"name": FILES, "in": "query", "schema": {**one_of(Files), "default": Files.NONE.value}},
        {"name": ERASE, "in": "query", "schema": {"type": "boolean", "default": False}},
    ]


def results_query(_: Dialect) -> list[Parameter]:
    limit: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_RESULTS, "default": DEFAULT_RESULTS}
    return [
        {"name": "after", "in": "query", "schema": {"type": "integer", "minimum": 0}},
        {"name": "limit", "in": "query", "schema": limit},
        {"name": "status", "in": "query", "schema": one_of(Outcome)},
        {"name": "custom_id", "in": "query", "schema": TEXT},
    ]


def webhook_query(_: Dialect) -> list[Parameter]:
    return page_query(DEFAULT_WEBHOOKS, MAX_WEBHOOKS)


def no_query(_: Dialect) -> list[Parameter]:
    return []


def content_headers(_: Dialect) -> list[Parameter]:
    names = ("Range", "If-Range", "If-Match", "If-None-Match")
    return [{"name": name, "in": "header", "schema": TEXT} for name in names]


def content_query(dialect: Dialect) -> list[Parameter]:
    """The offset is an extension, for results only."""
    offset = {"name": "offset", "in": "query", "schema": {"type": "integer", "minimum": 0}}
    return [*content_headers(dialect), offset]
