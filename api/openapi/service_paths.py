"""The routes beside the dialects' own: health, readiness, and the document itself; for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.edge.endpoint import INTERNAL_ERROR, SERVICE_UNAVAILABLE, status_of
from api.openapi.operation import json_answer
from api.openapi.schemas import TEXT, TRUTH, Schema, record, ref
from shared.domain.errors import DurableBatchError, Forbidden, Unauthenticated
from shared.domain.upstream.reachability import Verdict

_VERDICT: Schema = {"type": "string", "enum": list(Verdict)}
_REQUEST_ID = {"x-request-id": {"schema": TEXT}}

SERVICE_COMPONENTS: Mapping[str, Schema] = {
    "Readiness": record({"status": _VERDICT, "checks": {"type": "array", "items": ref("Check")}}),
    "Check": record(
        {
            "name": {
                **TEXT,
                "description": "`blobs`, `tables`, `durable`, `vault_references`; `upstream:…` by target.",
            },
            "required": TRUTH,
            "status": _VERDICT,
            "latency_ms": {"type": "integer", "minimum": 0},
            "message": {**TEXT, "description": "What was found and what to do, for the operator."},
        }
    ),
}

_HEALTH = {
    "operationId": "healthz",
    "tags": ["Service"],
    "summary": "Whether the service is up and configured",
    "security": [],
    "responses": {
        "200": json_answer("Health", "It is."),
        str(SERVICE_UNAVAILABLE): json_answer("Health", "It is not."),
    },
}


def _refused(kind: type[DurableBatchError]) -> dict[str, Any]:
    return json_answer("OpenAIError", " ".join((kind.__doc__ or "").split()))


_READINESS = {
    "operationId": "readyz",
    "tags": ["Service"],
    "summary": "Whether everything the service depends on answers",
    "responses": {
        str(status): {**answer, "headers": _REQUEST_ID}
        for status, answer in (
            (200, json_answer("Readiness", "All that is required answers; `degraded`: an upstream does not.")),
            (SERVICE_UNAVAILABLE, json_answer("Readiness", "Something is down without which nothing works.")),
            *((status_of(kind), _refused(kind)) for kind in (Unauthenticated, Forbidden)),
            (INTERNAL_ERROR, json_answer("OpenAIError", "A fault of the service; its log has more.")),
        )
    },
}
SERVICE_PATHS: Mapping[str, dict[str, Any]] = {
    "/healthz": {"get": _HEALTH},
    "/readyz": {"get": _READINESS},
}


def describe_document(mount: str) -> dict[str, Any]:
    """The operation that answers the document itself."""
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": f"{mount}_openapi",
        "tags": ["Service"],
        "summary": "This document",
        "security": [],
        "responses": {"200": {"description": "OpenAPI 3.1.", "content": content}},
    }
