"""What every call has in common: request id, authentication, and errors as statuses in the caller's dialect.

Rule of this file: it is the only place with HTTP status codes, but for the success codes in the dialect table. The
caller's key and the request's content reach neither a log nor an error.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from azurefunctions.extensions.http.fastapi import Request, Response
from starlette.requests import ClientDisconnect

from api.edge.api_versions import at_version
from api.edge.authentication import authenticate
from api.edge.byte_range import RangeNotSatisfiable
from api.edge.conditions import PreconditionFailed
from api.edge.dialect import OK, Dialect
from api.edge.entra import Asked, asked_project, caller_of_principal, is_signed_in
from api.edge.envelopes import render_error, render_internal_error
from api.edge.presented_keys import presented_keys
from api.edge.unknown_path import Template, WrongMethod, dialect_of, refusal, respelled
from shared.domain.batches.batch import Batch
from shared.domain.errors import (
    Damaged,
    DurableBatchError,
    Forbidden,
    InvalidRequest,
    NotFound,
    OverLimit,
    Unauthenticated,
    Unavailable,
    WrongState,
)
from shared.domain.keys.caller import Caller
from shared.domain.keys.scopes import Scope
from shared.run.batches.start_run import run_input
from shared.services import Services, services

PARTIAL_CONTENT = 206
NOT_MODIFIED = 304
SERVICE_UNAVAILABLE = 503
INTERNAL_ERROR = 500
_RETRY_AFTER_SECONDS = "2"
_READING = ("GET", "HEAD")
_STATUSES: Mapping[type[DurableBatchError], int] = {
    RangeNotSatisfiable: 416,
    PreconditionFailed: 412,
    WrongMethod: 405,
    InvalidRequest: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    OverLimit: 429,
    WrongState: 409,
    Damaged: INTERNAL_ERROR,
    Unavailable: SERVICE_UNAVAILABLE,
}
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated call: what a handler needs beside the request. `dialect` is that of its `api_version`."""

    caller: Caller
    dialect: Dialect
    service: Services
    api_version: str | None


class DurableClient(Protocol):
    """The part of the durable client that the API uses."""

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any | None = None
    ) -> str: ...

    async def get_status_by(self, *, instance_id_prefix: str) -> list[Any]: ...


StartRun = Callable[[Batch], Awaitable[None]]
Handler = Callable[[Request, Call], Awaitable[Response]]
StartingHandler = Callable[[Request, Call, StartRun], Awaitable[Response]]
ClientHandler = Callable[[Request, Call, DurableClient], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
StartingEndpoint = Callable[[Request, DurableClient], Awaitable[Response]]


def endpoint(handler: Handler, dialect: Dialect, scope: Scope) -> Endpoint:
    """`handler` as an HTTP function of `dialect`, for callers who have `scope`."""

    async def serve(req: Request) -> Response:
        return await _serve(req, dialect, lambda: _handle(req, dialect, scope, lambda call: handler(req, call)))

    return serve


def client_endpoint(handler: ClientHandler, dialect: Dialect, scope: Scope) -> StartingEndpoint:
    """The same for a handler that uses the durable client."""

    async def serve(req: Request, client: DurableClient) -> Response:
        return await _serve(req, dialect, lambda: _handle(req, dialect, scope, lambda call: handler(req, call, client)))

    return serve


def starting_endpoint(handler: StartingHandler, dialect: Dialect, scope: Scope, run: str) -> StartingEndpoint:
    """The same for a handler that starts runs; `run` is the orchestrator's name."""

    async def serve(req: Request, call: Call, client: DurableClient) -> Response:
        async def start(batch: Batch) -> None:
            await client.start_new(run, instance_id=batch.id, client_input=run_input(batch))

        return await handler(req, call, start)

    return client_endpoint(serve, dialect, scope)


def unknown_endpoint(
    routes: Sequence[Template], served: Mapping[Template, Endpoint], dialects: Mapping[str, Dialect]
) -> Endpoint:
    """The HTTP function for every path that is none of `routes`: it refuses, in the dialect of the path.

    A path that only misspells one of `served` is handed on to it (`respelled`). No key is asked for before.
    `dialects`: by prefix.
    """

    async def serve(req: Request) -> Response:
        if found := respelled(req.method, req.scope["path"], served):
            route, req.scope["path_params"] = found
            return await served[route](req)
        dialect = dialect_of(req.url.path, dialects)

        async def refuse() -> Response:
            raise refusal(dialect, req.method, req.url.path, routes)

        return await _serve(req, dialect, refuse)

    return serve


def status_of(kind: type[DurableBatchError]) -> int:
    """The HTTP status of this kind of error."""
    return next(status for known, status in _STATUSES.items() if issubclass(kind, known))


def json_response(content: dict[str, Any], status: int = OK) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def _serve(request: Request, dialect: Dialect, handle: Callable[[], Awaitable[Response]]) -> Response:
    request_id = uuid.uuid4()
    try:
        response = await handle()
    except DurableBatchError as error:
        response = _refusal(dialect, error)
    except ClientDisconnect:
        response = _refusal(dialect, InvalidRequest("The connection was lost before the request was complete."))
    except Exception:
        extra = {"action": "request_failed", "request_id": f"req_{request_id.hex}", "path": request.url.path}
        log.exception("A request failed unexpectedly.", extra=extra)
        response = json_response(render_internal_error(dialect, f"req_{request_id.hex}"), INTERNAL_ERROR)
    response.headers["x-request-id"] = f"req_{request_id.hex}"
    if dialect.sends_apim_request_id:
        response.headers["apim-request-id"] = str(request_id)
    return response


async def _handle(
    request: Request, dialect: Dialect, scope: Scope, handle: Callable[[Call], Awaitable[Response]]
) -> Response:
    call = await _authenticated(request, dialect, scope)
    try:
        return await handle(call)
    finally:
        if scope is Scope.ADMIN and request.method not in _READING:  # Then a key, or what is its, may be another.
            call.service.callers.forget_all()


async def _authenticated(request: Request, dialect: Dialect, scope: Scope) -> Call:
    here = services()
    named = request.headers.getlist("openai-project")
    if is_signed_in(here, request.headers):
        caller = await caller_of_principal(here, request.headers, Asked(scope, asked_project(named)))
    else:
        caller = await authenticate(here, presented_keys(request.headers), scope, asked_project(named))
    if dialect.names_project:
        caller.require_project(named)
    api_version = request.query_params.get("api-version")
    return Call(caller=caller, dialect=at_version(dialect, api_version), service=here, api_version=api_version)


def _refusal(dialect: Dialect, error: DurableBatchError) -> Response:
    response = json_response(render_error(dialect, error), status_of(type(error)))
    if isinstance(
        error, (WrongState, OverLimit, Damaged)
    ):  # SDKs would repeat a 409, 429 or 500 three times for the same answer (contract 6.5).
        response.headers["x-should-retry"] = "false"
    if isinstance(error, WrongMethod):
        response.headers["allow"] = ", ".join(error.allowed)
    if isinstance(error, RangeNotSatisfiable):
        response.headers["content-range"] = f"bytes */{error.size}"
    if isinstance(error, Unauthenticated):
        response.headers["www-authenticate"] = "Bearer"
    if isinstance(error, Unavailable):  # The stores' own retries took seconds already; SDKs obey (contract 6.5).
        response.headers["retry-after"] = _RETRY_AFTER_SECONDS
    return response
