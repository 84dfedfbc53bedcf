"""What the service answers, as JSON Schema: the components of the OpenAPI document. Pure.

Rule of this file: it says what `rendering.py` and its kin render, key by key; tests hold every answer of the API's
tests to it. Closed sets and limits come from the domain, never from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.domain.batches.batch import Status
from shared.domain.deployments.leaders import NEIGHBOURS
from shared.domain.endpoints import offered_by
from shared.domain.files.file import PURPOSES, RESULT_PURPOSE
from shared.domain.files.upload import UploadStatus
from shared.domain.keys.priority import Priority
from shared.domain.pace.deployment_health import Health
from shared.domain.usage.tokens import TokenMethod
from shared.domain.vendors.vendor import Vendor
from shared.domain.webhooks.event import EventType

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
TRUTH: Schema = {"type": "boolean"}
LEADERS: Schema = {"anyOf": [TRUTH, {"type": "string", "const": NEIGHBOURS}]}
SECONDS: Schema = {"type": "integer", "description": "Unix time in seconds."}
METADATA: Schema = {"type": ["object", "null"], "additionalProperties": TEXT}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def one_of(values: Any) -> Schema:
    return {"type": "string", "enum": [str(value) for value in values]}


def only(value: str) -> Schema:
    return {"type": "string", "const": value}


def or_null(schema: Schema) -> Schema:
    """`schema`, or null."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def record(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = (), description: str = "") -> Schema:
    """An object that always has all `properties` but the `optional` ones."""
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
    }
    return {"description": description, **schema} if description else schema


def page(item: str, end: Schema, *, description: str) -> Schema:
    """A page of a list; `end` is the schema of `first_id` and `last_id`."""
    return record(
        {
            "object": only("list"),
            "data": {"type": "array", "items": ref(item)},
            "first_id": end,
            "last_id": end,
            "has_more": TRUTH,
        },
        description=description,
    )


_FILE = record(
    {
        "id": TEXT,
        "object": only("file"),
        "bytes": WHOLE,
        "created_at": SECONDS,
        "expires_at": or_null(SECONDS),
        "filename": TEXT,
        "purpose": one_of((*PURPOSES, RESULT_PURPOSE)),
        "status": only("processed"),
        "status_details": {"type": "null"},
    }
)
_DELETED_FILE = record({"id": TEXT, "object": only("file"), "deleted": {"const": True}})
_FILES = page("File", TEXT, description="The ids at the ends of an empty page are empty.")
_UPLOAD = record(
    {
        "id": TEXT,
        "object": only("upload"),
        "bytes": WHOLE,
        "created_at": SECONDS,
        "expires_at": SECONDS,
        "filename": TEXT,
        "purpose": one_of(PURPOSES),
        "status": one_of(
            (UploadStatus.PENDING, UploadStatus.COMPLETED, UploadStatus.CANCELLED, UploadStatus.EXPIRED),
        ),
        "file": or_null(ref("File")),
    },
    optional=("file",),
    description="`file` of a completed upload only; null once that file has been deleted.",
)
_PART = record(
    {"id": TEXT, "object": only("upload.part"), "created_at": SECONDS, "upload_id": TEXT, "azure_block_id": TEXT},
    optional=("azure_block_id",),
    description="`azure_block_id` in Azure's dialects only.",
)
_BATCH_ERROR = record({"code": TEXT, "message": TEXT, "param": or_null(TEXT), "line": or_null(WHOLE)})
_BATCH_ERRORS = record({"object": only("list"), "data": {"type": "array", "items": ref("BatchError")}})
_USAGE = record(
    {
        "input_tokens": WHOLE,
        "input_tokens_details": record({"cached_tokens": WHOLE}),
        "output_tokens": WHOLE,
        "output_tokens_details": record({"reasoning_tokens": WHOLE}),
        "total_tokens": WHOLE,
    }
)
_TARGET = record({"name": TEXT, "status": one_of(Health), "until": or_null(SECONDS), "reason": or_null(TEXT)})
_PROGRESS = record(
    {
        "requests_per_second": or_null(NUMBER),
        "tokens_per_minute": or_null(NUMBER),
        "estimated_completion_at": or_null(SECONDS),
        "reason": or_null(TEXT),
        "results_at_end": TRUTH,
        "held_up": record({"until": or_null(SECONDS), "reason": TEXT}),
        "targets": {"type": "array", "items": _TARGET},
    },
    optional=("results_at_end", "held_up", "targets"),
    description="An extension. Averages since the batch began; why it is `held_up`, and how its `targets` fare.",
)
_CURRENCY: Schema = {"type": "string", "description": "A code of ISO 4217."}
_COST = record(
    {"currency": _CURRENCY, "estimated": or_null(NUMBER), "actual": NUMBER},
    description="By the deployment's price when the batch was validated: of `usage`, and until the batch ends of all "
    "that it will come to. An extension.",
)
_CACHE_USE: dict[str, Schema] = {"share": NUMBER, "written_tokens": WHOLE, "saved": NUMBER}
_CACHE = record(_CACHE_USE, optional=("saved",), description="What prompt caches gave and took. An extension.")
_FAILURE = record(
    {
        "code": TEXT,
        "count": WHOLE,
        "first_line": WHOLE,
        "example": record({"custom_id": or_null(TEXT), "message": or_null(TEXT)}),
        "advice": TEXT,
    }
)
_ANY_ENDPOINT = one_of(sorted({spelling for vendor in Vendor for spelling in offered_by(vendor)}))
_TIMES = ("in_progress_at", "finalizing_at", "completed_at", "failed_at", "expired_at", "cancelling_at", "cancelled_at")
_BATCH = record(
    {
        "id": TEXT,
        "object": only("batch"),
        "endpoint": _ANY_ENDPOINT,
        "model": or_null(TEXT),
        "errors": or_null(ref("BatchErrors")),
        "input_file_id": or_null(TEXT),
        "completion_window": TEXT,
        "status": one_of(Status),
        "output_file_id": or_null(TEXT),
        "error_file_id": or_null(TEXT),
        "created_at": SECONDS,
        "expires_at": SECONDS,
        **dict.fromkeys(_TIMES, or_null(SECONDS)),
        "request_counts": record({"total": WHOLE, "completed": WHOLE, "failed": WHOLE}),
        "usage": ref("Usage"),
        "metadata": METADATA,
        "input_blob": TEXT,
        "output_blob": TEXT,
        "error_blob": TEXT,
        "retry_of": TEXT,
        "priority": one_of(Priority),
        "leaders_first": LEADERS,
        "callback_url": TEXT,
        "paused_at": SECONDS,
        "cost": ref("Cost"),
        "cache": _CACHE,
        "failures": {"type": "array", "items": _FAILURE},
        "progress": ref("Progress"),
    },
    optional=(
        *("input_blob", "output_blob", "error_blob", "retry_of"),
        *("priority", "leaders_first", "callback_url", "paused_at", "cost", "cache", "failures", "progress"),
    ),
    description="The three blobs are Azure's; what follows them is ours, there where it says something.",
)
_BATCHES = page("Batch", or_null(TEXT), description="The ids at the ends of an empty page are null.")
_EXPECTED_COST = record({"currency": _CURRENCY, "input": NUMBER, "output": or_null(NUMBER), "total": or_null(NUMBER)})
_VALIDATION = record(
    {
        "object": only("batch.validation"),
        "valid": TRUTH,
        "errors": or_null(ref("BatchErrors")),
        "endpoint": _ANY_ENDPOINT,
        "input_file_id": or_null(TEXT),
        "completion_window": TEXT,
        "model": or_null(TEXT),
        "requests": or_null(WHOLE),
        "input_tokens": or_null(WHOLE),
        "token_method": or_null(one_of(TokenMethod)),
        "estimated_cost": or_null(_EXPECTED_COST),
        "estimated_completion_at": or_null(SECONDS),
        "fits_completion_window": or_null(TRUTH),
        "enqueued_tokens": or_null(WHOLE),
        "enqueued_token_limit": or_null(WHOLE),
        "fits_enqueued_token_limit": or_null(TRUTH),
    },
    description="What creating this very batch would come to. An extension.",
)
_ENDPOINT = {
    "id": TEXT,
    "object": only("webhook_endpoint"),
    "created_at": SECONDS,
    "updated_at": SECONDS,
    "name": TEXT,
    "url": TEXT,
    "event_types": {"type": "array", "items": one_of(EventType)},
    "signing_secret_hint": TEXT,
}
_MONEY = {**dict.fromkeys(("project_id", "currency", "interval", "window"), TEXT), "threshold_amount": WHOLE}
_EVENT = record(
    {
        "id": TEXT,
        "object": only("event"),
        "created_at": SECONDS,
        "type": one_of(EventType),
        "data": record({"id": TEXT, **_MONEY}, optional=tuple(_MONEY)),
    }
)
_TEST = record(
    {
        "object": only("webhook_endpoint.test"),
        "event_type": one_of(EventType),
        "status_code": WHOLE,
        "success": {"const": True},
        "webhook_endpoint_id": TEXT,
    },
    description="`success` says that there was an answer; `status_code` says which.",
)
_OPENAI_ERROR = record(
    {
        "error": record(
            {
                "message": TEXT,
                "type": one_of(("invalid_request_error", "insufficient_quota", "server_error")),
                "param": or_null(TEXT),
                "code": or_null(TEXT),
            }
        ),
        "detail": record({"message": TEXT, "code": or_null(TEXT)}),
    },
    optional=("detail",),
    description="`detail` repeats what is said about a file.",
)
_AZURE_ERROR = record({"error": record({"code": TEXT, "message": TEXT, "target": TEXT}, optional=("target",))})
_AZURE_V1_ERROR = record(
    {
        "error": record(
            {"code": TEXT, "message": TEXT, "param": TEXT, "type": only("error")},
            optional=("param",),
        )
    }
)

COMPONENTS: Mapping[str, Schema] = {
    "File": _FILE,
    "DeletedFile": _DELETED_FILE,
    "Files": _FILES,
    "Upload": _UPLOAD,
    "UploadPart": _PART,
    "Batch": _BATCH,
    "DeletedBatch": record({"id": TEXT, "object": only("batch.deleted"), "deleted": {"const": True}}),
    "BatchError": _BATCH_ERROR,
    "BatchErrors": _BATCH_ERRORS,
    "Batches": _BATCHES,
    "Usage": _USAGE,
    "Cost": _COST,
    "Progress": _PROGRESS,
    "BatchValidation": _VALIDATION,
    "WebhookEndpoint": record(_ENDPOINT),
    "WebhookEndpointWithSecret": record({**_ENDPOINT, "signing_secret": TEXT}),
    "WebhookEndpoints": page("WebhookEndpoint", or_null(TEXT), description="Newest first."),
    "DeletedWebhookEndpoint": record(
        {"id": TEXT, "object": only("webhook_endpoint.deleted"), "deleted": {"const": True}}
    ),
    "WebhookTest": _TEST,
    "WebhookEventTypes": record({"object": only("list"), "data": {"type": "array", "items": one_of(EventType)}}),
    "WebhookEvent": _EVENT,
    "OpenAIError": _OPENAI_ERROR,
    "AzureError": _AZURE_ERROR,
    "AzureV1Error": _AZURE_V1_ERROR,
    "Health": record({"status": one_of(("ok", "misconfigured"))}),
}
