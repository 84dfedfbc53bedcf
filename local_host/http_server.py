"""The app's HTTP triggers, served: method and route -> function, its answer -> HTTP.

An ASGI app, not a server. It is built the way the streaming extension builds its own (one catch-all FastAPI route;
the extension's Request and Response are FastAPI's), so requests, responses and what may be returned are the same as
on the platform; bodies stream both ways. The real host does the routing in front of it, so that is done here: ASP.NET
templates, literal before parameter before wildcard. It knows nothing of what the functions do.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.requests import ClientDisconnect

from local_host.function_index import ALL_METHODS, HttpFunction
from local_host.replay import NotEmulated

log = logging.getLogger(__name__)

# Sorts literal before parameter before wildcard.
_LITERAL, _PARAMETER, _WILDCARD = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    kind: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A template and the function behind it."""

    segments: tuple[_Segment, ...]
    function: HttpFunction

    def match(self, path: Sequence[str]) -> dict[str, str] | None:
        """The route's parameters if `path` (decoded segments) fits it. Literals ignore case, as in ASP.NET."""
        parameters: dict[str, str] = {}
        for position, segment in enumerate(self.segments):
            if segment.kind == _WILDCARD:
                return parameters | {segment.text: "/".join(path[position:])}
            if position >= len(path) or not path[position]:
                return None
            if segment.kind == _PARAMETER:
                parameters[segment.text] = path[position]
            elif path[position].lower() != segment.text:
                return None
        return parameters if len(path) == len(self.segments) else None


def compile_routes(functions: Sequence[HttpFunction], prefix: str = "") -> list[Route]:
    """Routes in the order they are tried; `prefix` is `extensions.http.routePrefix` of host.json.

    Raises NotEmulated for constraints, optional and mixed segments.
    """
    routes = [
        Route(segments=_segments(f"{prefix.strip('/')}/{function.route}", function.name), function=function)
        for function in functions
    ]
    return sorted(routes, key=lambda route: [segment.kind for segment in route.segments])


def _segments(template: str, name: str) -> tuple[_Segment, ...]:
    return tuple(_segment(text, name) for text in template.split("/") if text)


def _segment(text: str, name: str) -> _Segment:
    if "{" not in text:
        return _Segment(kind=_LITERAL, text=text.lower())
    inner = text[1:-1]
    kind = _WILDCARD if inner.startswith("*") else _PARAMETER
    parameter = inner.removeprefix("*")
    if text != "{" + inner + "}" or not parameter.isidentifier():
        raise NotEmulated(
            f"The local host does not emulate the route segment {text!r} (function {name!r}); "
            "write {name} or {*name} as a segment of its own."
        )
    return _Segment(kind=kind, text=parameter)


def build_app(routes: Sequence[Route], client_binding: str) -> FastAPI:
    """The ASGI app over `routes`. `client_binding` is the JSON string of the durable client's binding."""
    app = FastAPI(openapi_url=None)

    async def answer(request: Request) -> Any:
        return await _answer(routes, client_binding, request)

    app.add_api_route("/{path:path}", answer, methods=sorted(ALL_METHODS), response_model=None)
    return app


async def _answer(routes: Sequence[Route], client_binding: str, request: Request) -> Any:
    found = _find(routes, request)
    if isinstance(found, Response):
        return found
    function, parameters = found
    request.scope["path_params"] = parameters
    arguments: dict[str, object] = {function.request_parameter: request}
    if function.client_parameter:
        arguments[function.client_parameter] = client_binding
    try:
        if inspect.iscoroutinefunction(function.call):
            return await function.call(**arguments)
        return await asyncio.to_thread(function.call, **arguments)
    except ClientDisconnect:
        log.info("The client went away.", extra={"action": "http_disconnect", "function": function.name})
    except Exception:  # The edge of user code: the platform, too, answers 500 and says no more.
        log.exception("A function failed.", extra={"action": "http_failed", "function": function.name})
    return Response(status_code=500)


def _find(routes: Sequence[Route], request: Request) -> tuple[HttpFunction, dict[str, str]] | Response:
    # Split before decoding, so that an encoded slash stays inside its parameter.
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    text = raw.decode("latin-1").strip("/")
    path = [unquote(segment) for segment in text.split("/")] if text else []
    allowed: set[str] = set()
    for route in routes:
        parameters = route.match(path)
        if parameters is None:
            continue
        if request.method in route.function.methods:
            return route.function, parameters
        allowed |= route.function.methods
    if not allowed:
        return PlainTextResponse("No function answers at this path.", status_code=404)
    return PlainTextResponse(
        "No function answers this method at this path.", status_code=405, headers={"allow": ", ".join(sorted(allowed))}
    )
