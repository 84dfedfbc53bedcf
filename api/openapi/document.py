"""The OpenAPI 3.1 document, put together from the tables that serve. Pure.

Rule of this file: routes come from `function_app.py`, dialects from `dialect.py`, statuses of errors from
`endpoint.py`; only what those cannot say is in `operations.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from api.edge.dialect import MOUNTS, Dialect, Envelope
from api.edge.endpoint import INTERNAL_ERROR, status_of
from api.openapi import bodies
from api.openapi.azure_schemas import AZURE_COMPONENTS
from api.openapi.operations import OPERATIONS, Operation, json_answer
from api.openapi.schemas import COMPONENTS, TEXT, Schema
from api.openapi.service_paths import SERVICE_COMPONENTS, SERVICE_PATHS, describe_document
from shared.domain.errors import DurableBatchError, InvalidRequest, NotFound, Unauthenticated, Unavailable
from shared.domain.webhooks.event import EventType
from shared.version import VERSION

_PARAMETER = re.compile(r"{(\w+)}", re.ASCII)
_ERRORS = {
    Envelope.OPENAI: "OpenAIError",
    Envelope.AZURE_CLASSIC: "AzureError",
    Envelope.AZURE_V1: "AzureV1Error",
}
_API_VERSION: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d(-preview)?$", "example": "2024-10-21"}


class Route(NamedTuple):
    """A handler at `method` and `path`, which begins after a dialect's prefix."""

    method: str
    path: str
    handler: str


def build_document(dialect: Dialect, routes: Sequence[Route]) -> dict[str, Any]:
    """The document of `routes` under every prefix of `dialect`, and of the routes that no dialect has."""
    paths: dict[str, dict[str, Any]] = dict(SERVICE_PATHS)
    for mount, prefix, spoken in MOUNTS:
        if spoken is not dialect:
            continue
        if prefix == dialect.prefix:
            paths[f"/{prefix}/openapi.json"] = {"get": describe_document(mount)}
        for route in routes:
            described = _operation(mount, prefix, dialect, route)
            paths.setdefault(f"/{prefix}/{route.path}", {})[route.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Durable Batch",
            "version": VERSION,
            "description": "A self-hosted Batch API that speaks OpenAI's, Azure's and DeepInfra's dialect.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": paths,
        "webhooks": {event_type: {"post": _event(event_type)} for event_type in EventType},
        "components": {
            "schemas": {**COMPONENTS, **AZURE_COMPONENTS, **SERVICE_COMPONENTS},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "api-key"},
            },
        },
    }


def _operation(mount: str, prefix: str, dialect: Dialect, route: Route) -> dict[str, Any]:
    operation = OPERATIONS[route.handler]
    described = {
        "operationId": f"{mount}_{route.handler}",
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [
            *_path_parameters(f"{prefix}/{route.path}"),
            *_version_parameters(dialect),
            *operation.parameters(dialect),
        ],
        "responses": _responses(dialect, route, operation),
    }
    return described | ({"requestBody": operation.body(dialect)} if operation.body else {})


def _path_parameters(path: str) -> Iterable[dict[str, Any]]:
    for name in _PARAMETER.findall(path):
        yield {"name": name, "in": "path", "required": True, "schema": TEXT}


def _version_parameters(dialect: Dialect) -> Iterable[dict[str, Any]]:
    if dialect.needs_api_version:
        yield {"name": "api-version", "in": "query", "required": True, "schema": _API_VERSION}
    elif dialect.sends_apim_request_id:
        yield {"name": "api-version", "in": "query", "schema": TEXT}


def _responses(dialect: Dialect, route: Route, operation: Operation) -> dict[str, Any]:
    error = _ERRORS[dialect.envelope]
    answers = operation.answers(dialect)
    for kind in _raised(dialect, route, operation):
        answers[status_of(kind)] = json_answer(error, " ".join((kind.__doc__ or "").split()))
    answers[INTERNAL_ERROR] = json_answer(error, "A fault of the service; its log has more under the request id.")
    headers = {"x-request-id": {"schema": TEXT}}
    if dialect.sends_apim_request_id:
        headers["apim-request-id"] = {"schema": TEXT}
    return {str(status): {**answer, "headers": headers} for status, answer in sorted(answers.items())}


def _raised(dialect: Dialect, route: Route, operation: Operation) -> set[type[DurableBatchError]]:
    kinds: set[type[DurableBatchError]] = {Unauthenticated, Unavailable, *operation.raises}
    if "_id}" in route.path or dialect.needs_api_version:
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
