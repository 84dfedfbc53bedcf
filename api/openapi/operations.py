"""Every handler's operation: what it is for, what it takes, what it answers. The table behind the OpenAPI document.

Rule of this file: an entry for each handler of `mounts.py`, by the handler's name, and none beside them.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.batches.results import CONTENT_TYPE as JSON_LINES
from api.edge.api_versions import API_VERSIONS
from api.edge.byte_range import RangeNotSatisfiable
from api.edge.conditions import PreconditionFailed
from api.edge.dialect import OK, Dialect
from api.edge.endpoint import NOT_MODIFIED, PARTIAL_CONTENT
from api.files.files import CONTENT_TYPE
from api.openapi import bodies
from api.openapi.admin_operations import ADMINISTRATION
from api.openapi.azure_schemas import spoken_by
from api.openapi.delivery_operations import DELIVERIES
from api.openapi.model_operations import MODELS
from api.openapi.operation import Answers, Operation, json_answer, ok
from api.openapi.schemas import TEXT
from api.openapi.usage_operations import USAGE
from shared.domain.errors import InvalidRequest, OverLimit, WrongState


def _created_file(dialect: Dialect) -> Answers:
    return {dialect.created_file: json_answer(spoken_by(dialect, "File"))}


def _created_batch(dialect: Dialect) -> Answers:
    """Azure classic: by the api-version (contract 1.4)."""
    by_version = {version.created_batch for version in API_VERSIONS} if dialect.needs_api_version else set()
    statuses = sorted({dialect.created_batch} | by_version)
    return {status: json_answer(spoken_by(dialect, "Batch")) for status in statuses}


def _downloaded(_: Dialect) -> Answers:
    content = {CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    return {
        OK: {"description": "The file's bytes.", "content": content},
        PARTIAL_CONTENT: {"description": "The bytes that `Range` names.", "content": content},
        NOT_MODIFIED: {"description": "`If-None-Match` names this version."},
    }


def _inspected(_: Dialect) -> Answers:
    return {
        OK: {"description": "The headers of the download."},
        NOT_MODIFIED: {"description": "`If-None-Match` names this version."},
    }


def _results(_: Dialect) -> Answers:
    what = "Result lines in input order. `X-Incomplete`: whether more is there or will come, past `X-Last-Line`."
    return {OK: {"description": what, "content": {JSON_LINES: {"schema": TEXT}}}}


def _nothing(_: Dialect) -> Answers:
    return {}


_FILES: Mapping[str, Operation] = {
    "create_file": Operation(
        tag="Files",
        summary="Upload a file",
        answers=_created_file,
        body=bodies.new_file,
    ),
    "list_files": Operation(
        tag="Files",
        summary="List files",
        answers=ok("Files"),
        parameters=bodies.file_query,
    ),
    "retrieve_file": Operation(tag="Files", summary="Retrieve a file", answers=ok("File")),
    "delete_file": Operation(tag="Files", summary="Delete a file", answers=ok("DeletedFile")),
    "download_file": Operation(
        tag="Files",
        summary="Download a file",
        answers=_downloaded,
        parameters=bodies.content_query,
        raises=(InvalidRequest, PreconditionFailed, RangeNotSatisfiable, WrongState),
    ),
    "inspect_file": Operation(
        tag="Files",
        summary="Look at a file's headers",
        answers=_inspected,
        parameters=bodies.content_headers,
        raises=(PreconditionFailed,),
    ),
    "import_file": Operation(
        tag="Files",
        summary="Never supported: says what to do instead",
        answers=_nothing,
        raises=(InvalidRequest,),
    ),
}
_UPLOADS: Mapping[str, Operation] = {
    "create_upload": Operation(
        tag="Uploads", summary="Begin a file in parts", answers=ok("Upload"), body=bodies.new_upload
    ),
    "retrieve_upload": Operation(
        tag="Uploads",
        summary="Retrieve an upload (an extension)",
        answers=ok("Upload"),
    ),
    "add_part": Operation(
        tag="Uploads",
        summary="Add a part",
        answers=ok("UploadPart"),
        body=bodies.new_part,
        raises=(WrongState,),
    ),
    "complete_upload": Operation(
        tag="Uploads",
        summary="Make a file of the parts",
        answers=ok("Upload"),
        body=bodies.completion,
        raises=(WrongState,),
    ),
    "cancel_upload": Operation(tag="Uploads", summary="Cancel an upload", answers=ok("Upload"), raises=(WrongState,)),
}
_BATCHES: Mapping[str, Operation] = {
    "create_batch": Operation(
        tag="Batches",
        summary="Create a batch",
        answers=_created_batch,
        body=bodies.new_batch,
        raises=(OverLimit,),
    ),
    "list_batches": Operation(
        tag="Batches",
        summary="List batches",
        answers=ok("Batches"),
        parameters=bodies.batch_query,
    ),
    "retrieve_batch": Operation(tag="Batches", summary="Retrieve a batch", answers=ok("Batch")),
    "cancel_batch": Operation(tag="Batches", summary="Cancel a batch", answers=ok("Batch"), raises=(WrongState,)),
    "delete_batch": Operation(
        tag="Batches",
        summary="Delete a batch that has ended (an extension)",
        answers=ok("DeletedBatch"),
        parameters=bodies.batch_deletion,
        raises=(WrongState,),
    ),
    "pause_batch": Operation(
        tag="Batches",
        summary="Begin no further request of a batch (an extension)",
        answers=ok("Batch"),
        raises=(WrongState,),
    ),
    "resume_batch": Operation(
        tag="Batches", summary="Let a paused batch go on (an extension)", answers=ok("Batch"), raises=(WrongState,)
    ),
    "vary_batch": Operation(
        tag="Batches",
        summary="Change the priority or the completion window of a batch (an extension)",
        answers=ok("Batch"),
        body=bodies.batch_terms,
        raises=(WrongState,),
    ),
    "validate_batch": Operation(
        tag="Batches",
        summary="Validate an input file without a run (an extension)",
        answers=ok("BatchValidation"),
        body=bodies.new_batch,
    ),
    "list_results": Operation(
        tag="Batches",
        summary="Read the results in input order, also of a running batch (an extension)",
        answers=_results,
        parameters=bodies.results_query,
        raises=(WrongState,),
    ),
    "retry_batch": Operation(
        tag="Batches",
        summary="Run what failed once more, as a new batch (an extension)",
        answers=_created_batch,
        body=bodies.retry,
        raises=(InvalidRequest, OverLimit, WrongState),
    ),
}
_WEBHOOKS: Mapping[str, Operation] = {
    "create_webhook_endpoint": Operation(
        tag="Webhooks",
        summary="Create a webhook endpoint",
        answers=ok("WebhookEndpointWithSecret"),
        body=bodies.new_webhook,
    ),
    "list_webhook_endpoints": Operation(
        tag="Webhooks",
        summary="List webhook endpoints",
        answers=ok("WebhookEndpoints"),
        parameters=bodies.webhook_query,
    ),
    "retrieve_webhook_endpoint": Operation(
        tag="Webhooks", summary="Retrieve a webhook endpoint", answers=ok("WebhookEndpoint")
    ),
    "update_webhook_endpoint": Operation(
        tag="Webhooks",
        summary="Change a webhook endpoint",
        answers=ok("WebhookEndpoint"),
        body=bodies.webhook_changes,
    ),
    "delete_webhook_endpoint": Operation(
        tag="Webhooks", summary="Delete a webhook endpoint", answers=ok("DeletedWebhookEndpoint")
    ),
    "rotate_webhook_secret": Operation(
        tag="Webhooks",
        summary="Give a webhook endpoint a new secret",
        answers=ok("WebhookEndpointWithSecret"),
        body=bodies.rotation,
    ),
    "test_webhook_endpoint": Operation(
        tag="Webhooks",
        summary="Send a test event now",
        answers=ok("WebhookTest"),
        body=bodies.webhook_test,
    ),
    "list_webhook_event_types": Operation(tag="Webhooks", summary="List event types", answers=ok("WebhookEventTypes")),
}

OPERATIONS: Mapping[str, Operation] = {
    **_FILES,
    **_UPLOADS,
    **_BATCHES,
    **MODELS,
    **_WEBHOOKS,
    **DELIVERIES,
    **ADMINISTRATION,
    **USAGE,
}
