"""The loopback routes behind the durable client: what azure-functions-durable 1.7 calls, answered by the engine.

As on the platform they have a listener of their own, on loopback, apart from the app's port; here the path also
starts with a token made at each start, so that no other user of the machine can drive orchestrations. What the
client can ask and this host does not do answers 501 and says so.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from local_host.durable.engine import Engine
from local_host.durable.instance import InstanceStatus, RuntimeStatus
from local_host.durable.refusals import (
    InstanceEnded,
    InstanceExists,
    InstanceMissing,
    Refused,
    SteeredTwice,
    UnknownFunction,
    WrongStatus,
)
from local_host.durable.replay import NotEmulated

log = logging.getLogger(__name__)

# The platform's rule for instance ids: they become keys of its tables.
_BAD_ID = re.compile(r"^@|[/\\#?\x00-\x1f\x7f-\x9f]|^.{101,}$", re.DOTALL)


def binding_json(base_url: str) -> str:
    """The durableClient binding's value; `base_url` ends in the token and a slash.

    No management URLs: on the platform they carry the system key, here they would carry the token, to API users.
    """
    return json.dumps(
        {"taskHubName": "local", "creationUrls": {}, "managementUrls": {"id": "INSTANCEID"}, "rpcBaseUrl": base_url}
    )


def build_rpc(engine: Engine, token: str) -> ASGIApp:
    """The ASGI app of the routes, under `/{token}/`."""
    routes = _Routes(engine)
    app = Starlette(
        routes=[
            Route("/orchestrators/{name}", routes.start_new, methods=["POST"]),
            Route("/orchestrators/{name}/{instance_id}", routes.start_new, methods=["POST"]),
            Route("/instances/", routes.list_statuses, methods=["GET"]),
            Route("/instances/", routes.purge_by, methods=["DELETE"]),
            Route("/instances/{instance_id}", routes.status, methods=["GET"]),
            Route("/instances/{instance_id}", routes.purge, methods=["DELETE"]),
            Route("/instances/{instance_id}/raiseEvent/{event}", routes.raise_event, methods=["POST"]),
            Route("/instances/{instance_id}/terminate", routes.control(engine.terminate), methods=["POST"]),
            Route("/instances/{instance_id}/suspend", routes.control(engine.suspend), methods=["POST"]),
            Route("/instances/{instance_id}/resume", routes.control(engine.resume), methods=["POST"]),
            Route("/instances/{instance_id}/rewind", routes.control(engine.rewind), methods=["POST"]),
            Route("/instances/{instance_id}/restart", routes.restart, methods=["POST"]),
            Route("/{path:path}", _not_emulated, methods=["GET", "POST", "DELETE"]),
        ],
        exception_handlers={NotEmulated: _not_emulated_error, Refused: _refused},
    )
    return _Guard(app, token)


class _Guard:
    """Lets through what comes from this machine and knows the token; the rest learns nothing."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, token, path = (*scope["path"].split("/", 2), "", "")[:3]
        if not (_is_loopback(scope["client"]) and hmac.compare_digest(token.encode(), self._token.encode())):
            await Response(status_code=404)(scope, receive, send)
            return
        await self._app({**scope, "path": f"/{path}", "root_path": ""}, receive, send)


def _is_loopback(client: tuple[str, int] | None) -> bool:
    return client is not None and ipaddress.ip_address(client[0]).is_loopback


class _Routes:
    """Status codes and bodies are those the client tells apart (DurableOrchestrationClient)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def start_new(self, request: Request) -> Response:
        name, instance_id = request.path_params["name"], request.path_params.get("instance_id")
        if "version" in request.query_params:
            raise NotEmulated("The local host does not emulate versions of orchestrations.")
        if instance_id is not None and _BAD_ID.search(instance_id):
            return _bad_request("An instance id has at most 100 characters, none of / \\ # ? and no leading @.")
        started = await self._engine.start_new(name, instance_id, await _input_json(request))
        return JSONResponse({"id": started}, status_code=202)

    async def restart(self, request: Request) -> Response:
        with_new_id = request.query_params.get("restartWithNewInstanceId", "true").lower() != "false"
        instance_id = request.path_params["instance_id"]
        try:
            restarted = await self._engine.restart(instance_id, with_new_id=with_new_id)
        except InstanceMissing:
            return _bad_request(f"No instance with ID '{instance_id}' was found. (Parameter 'instanceId')")
        return JSONResponse({"id": restarted}, status_code=202)

    async def status(self, request: Request) -> Response:
        status = await self._engine.status(request.path_params["instance_id"])
        if status is None:
            return _missing()
        code = 200 if status.is_ended else 202
        return JSONResponse(_body(status, request), status_code=code)

    async def list_statuses(self, request: Request) -> Response:
        statuses = await self._engine.list_statuses(**_filters(request))
        return JSONResponse([_body(status, request) for status in statuses])

    async def raise_event(self, request: Request) -> Response:
        input_json = await _input_json(request) or "null"
        await self._engine.raise_event(request.path_params["instance_id"], request.path_params["event"], input_json)
        return Response(status_code=202)

    def control(self, act: Callable[[str, str], Awaitable[None]]) -> Callable[[Request], Awaitable[Response]]:
        """A route for terminate, suspend, resume or rewind: an instance id and a reason."""

        async def route(request: Request) -> Response:
            await act(request.path_params["instance_id"], request.query_params.get("reason", ""))
            return Response(status_code=202)

        return route

    async def purge(self, request: Request) -> Response:
        await self._engine.purge(request.path_params["instance_id"])
        return JSONResponse({"instancesDeleted": 1})

    async def purge_by(self, request: Request) -> Response:
        filters = _filters(request)
        del filters["prefix"]
        return JSONResponse({"instancesDeleted": await self._engine.purge_by(**filters)})


async def _input_json(request: Request) -> str | None:
    """The client sends a JSON string of JSON, or nothing; plain JSON is taken as it is."""
    body = await request.body()
    sent = json.loads(body) if body else None
    return sent if sent is None or isinstance(sent, str) else json.dumps(sent)


def _filters(request: Request) -> dict[str, Any]:
    query = request.query_params
    statuses = query.get("runtimeStatus")
    return {
        "prefix": query.get("instanceIdPrefix"),
        "statuses": frozenset(statuses.split(",")) & set(RuntimeStatus) if statuses else None,
        "created_from": _time(query.get("createdTimeFrom")),
        "created_to": _time(query.get("createdTimeTo")),
    }


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _body(status: InstanceStatus, request: Request) -> dict[str, object]:
    show_input = request.query_params.get("showInput", "true").lower() != "false"
    return {
        "name": status.name,
        "instanceId": status.instance_id,
        "runtimeStatus": status.runtime_status,
        "input": status.input_json if show_input else None,
        "customStatus": _decoded(status.custom_status_json),
        "output": _decoded(status.output_json),
        "createdTime": _stamp(status.created_at),
        "lastUpdatedTime": _stamp(status.updated_at),
    }


def _decoded(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _missing() -> Response:
    return JSONResponse("No instance with this id.", status_code=404)


def _bad_request(message: str) -> Response:
    return JSONResponse({"ExceptionMessage": message}, status_code=400)


async def _not_emulated(request: Request) -> Response:
    raise NotEmulated(
        f"The local host does not emulate the durable client's {request.method} {request.path_params['path']}."
    )


_STATUS_CODES: dict[type[Exception], int] = {
    UnknownFunction: 400,
    InstanceMissing: 404,
    InstanceExists: 409,
    InstanceEnded: 410,
    WrongStatus: 412,
    SteeredTwice: 500,
}


def _refused(_request: Request, error: Exception) -> Response:
    code = _STATUS_CODES[type(error)]
    body = {"ExceptionMessage": str(error)} if isinstance(error, UnknownFunction | SteeredTwice) else str(error)
    return JSONResponse(body, status_code=code)


def _not_emulated_error(_request: Request, error: Exception) -> Response:
    log.warning("The durable client asked for what is not emulated.", extra={"action": "rpc_not_emulated"})
    return JSONResponse(str(error), status_code=501)
