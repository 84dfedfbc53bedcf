"""The OpenAPI 3.1 document, put together from the tables that serve. Pure.

Rule of this file: routes come from `mounts.py`, dialects from `dialect.py`, statuses of errors from `endpoint.py`; only
what those cannot say is in `operations.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from api.edge.dialect import Dialect, Envelope
from api.edge.endpoint import INTERNAL_ERROR, status_of
from api.edge.mount import Mount, Route, StartingRoute
from api.openapi import bodies
from api.openapi.admin_schemas import ADMIN_COMPONENTS
from api.openapi.azure_schemas import AZURE_COMPONENTS
from api.openapi.delivery_operations import DELIVERY_COMPONENTS
from api.openapi.model_operations import MODEL_COMPONENTS
from api.openapi.operation import Operation, json_answer
from api.openapi.operations import OPERATIONS
from api.openapi.schemas import COMPONENTS, TEXT, Schema
from api.openapi.service_paths import SERVICE_COMPONENTS, SERVICE_PATHS, describe_document
from api.openapi.usage_operations import USAGE_COMPONENTS
from shared.domain.errors import DurableBatchError, Forbidden, InvalidRequest, NotFound, Unauthenticated, Unavailable
from shared.domain.webhooks.event import EventType
from shared.version import VERSION

DOCUMENT = "openapi.json"  # under a dialect's prefix
_PARAMETER = re.compile(r"{(\w+)}", re.ASCII)
_ERRORS = {
    Envelope.OPENAI: "OpenAIError",
    Envelope.AZURE_CLASSIC: "AzureError",
    Envelope.AZURE_V1: "AzureV1Error",
}
_COMPONENTS = {
    **COMPONENTS,
    **AZURE_COMPONENTS,
    **ADMIN_COMPONENTS,
    **USAGE_COMPONENTS,
    **MODEL_COMPONENTS,
    **DELIVERY_COMPONENTS,
    **SERVICE_COMPONENTS,
}
_WITH_SLASHES = {
    "description": "An id with slashes may be sent with them or, as clients made of this document do, with `%2F`.",
    "example": "org/name",
}
_API_VERSION: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d(-preview)?$", "example": "2024-10-21"}


def build_document(dialect: Dialect, mounts: Iterable[Mount]) -> dict[str, Any]:
    """The document of those of `mounts` that are of `dialect`, and of the routes that no dialect has."""
    paths: dict[str, dict[str, Any]] = dict(SERVICE_PATHS)
    for mount in mounts:
        if mount.dialect is not dialect:
            continue
        if mount.is_described:
            paths[f"/{mount.at(DOCUMENT)}"] = {"get": describe_document(mount.name)}
        for route in mount.all_routes:
            paths.setdefault(f"/{mount.at(route.path)}", {})[route.method.lower()] = _operation(mount, route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Durable Batch",
            "version": VERSION,
            "description": "A self-hosted Batch API that speaks OpenAI's, Azure's, DeepInfra's and Compass's dialect.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": paths,
        "webhooks": {event_type: {"post": _event(event_type)} for event_type in EventType},
        "components": {
            "schemas": _COMPONENTS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "api-key"},
            },
        },
    }


def _operation(mount: Mount, route: Route | StartingRoute) -> dict[str, Any]:
    dialect, name = mount.dialect, route.handler.__name__
    operation = OPERATIONS[name]
    described = {
        "operationId": f"{mount.name}_{name}",
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [
            *_path_parameters(mount.at(route.path)),
            *_version_parameters(dialect),
            *operation.parameters(dialect),
        ],
        "responses": _responses(dialect, route.path, operation),
    }
    return described | ({"requestBody": operation.body(dialect)} if operation.body else {})


def _path_parameters(path: str) -> Iterable[dict[str, Any]]:
    for name in _PARAMETER.findall(path):
        described = _WITH_SLASHES if name == "model" else {}
        yield {"name": name, "in": "path", "required": True, "schema": TEXT, **described}


def _version_parameters(dialect: Dialect) -> Iterable[dict[str, Any]]:
    if dialect.needs_api_version:
        yield {"name": "api-version", "in": "query", "required": True, "schema": _API_VERSION}
    elif dialect.sends_apim_request_id:
        yield {"name": "api-version", "in": "query", "schema": TEXT}


def _responses(dialect: Dialect, path: str, operation: Operation) -> dict[str, Any]:
    error = _ERRORS[dialect.envelope]
    answers = operation.answers(dialect)
    for kind in _raised(dialect, path, operation):
        answers[status_of(kind)] = json_answer(error, " ".join((kind.__doc__ or "").split()))
    answers[INTERNAL_ERROR] = json_answer(error, "A fault of the service; its log has more under the request id.")
    headers = {"x-request-id": {"schema": TEXT}}
    if dialect.sends_apim_request_id:
        headers["apim-request-id"] = {"schema": TEXT}
    return {str(status): {**answer, "headers": headers} for status, answer in sorted(answers.items())}


def _raised(dialect: Dialect, path: str, operation: Operation) -> set[type[DurableBatchError]]:
    kinds: set[type[DurableBatchError]] = {Unauthenticated, Forbidden, Unavailable, *operation.raises}
    if "_id}" in path or dialect.needs_api_version:
        kinds.add(NotFound)
    if operation.body or operation.parameters(dialect):
        kinds.add(InvalidRequest)
    return kinds


def _event(event_type: EventType) -> dict[str, Any]:
    return {
        "operationId": event_type.replace(".", "_"),
        "tags": ["Webhooks"],
        "summary": f"A batch is {event_type.removeprefix('batch.')}",
        "security": [],
        "requestBody": bodies.webhook_event(),
        "responses": {"2XX": {"description": "Taken; anything else is tried again for 72 hours."}},
    }
