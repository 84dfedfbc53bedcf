"""The app's HTTP triggers, served: method and route -> function, its answer -> HTTP.

An ASGI app, not a server. It is built the way the streaming extension builds its own (one catch-all FastAPI route;
the extension's Request and Response are FastAPI's), so requests, responses and what may be returned are the same as
on the platform; bodies stream both ways. The real host does the routing in front of it, so that is done here: ASP.NET
templates, and a bare 404 where none fits. It knows nothing of what the functions do.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from local_host.app.function_index import ALL_METHODS, HttpFunction, InvalidApp
from local_host.durable.replay import NotEmulated

log = logging.getLogger(__name__)

_LITERAL, _PARAMETER, _WILDCARD = range(3)
# The one template with an optional segment and a constraint: the root, which no other leads to.
_NOTHING = re.compile(r"\{\w+:maxlength\(0\)\?\}")
# What no literal says, and more segments than a template has.
_EXAMPLES = {_PARAMETER: ["{}"], _WILDCARD: ["{}"] * 20}


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

    The real host tries them by the names of their functions (platform 1.4), so names must put a literal before a
    parameter before a wildcard. Raises InvalidApp where they do not; NotEmulated for constraints, optional and mixed
    segments.
    """
    routes = [
        Route(segments=_segments(f"{prefix.strip('/')}/{function.route}", function.name), function=function)
        for function in sorted(functions, key=lambda function: function.name.upper())
    ]
    for route in routes:
        _refuse_hidden(route, routes)
    return routes


def _refuse_hidden(route: Route, routes: Sequence[Route]) -> None:
    path = [text for segment in route.segments for text in _EXAMPLES.get(segment.kind, [segment.text])]
    for method in route.function.methods:
        first = next(each for each in routes if method in each.function.methods and each.match(path) is not None)
        if first is not route:
            raise InvalidApp(
                f"Functions {first.function.name!r} and {route.function.name!r} both answer {method} "
                f"/{route.function.route}, and the real host asks the first by name: give "
                f"{first.function.name!r} a name that comes after the other's."
            )


def _segments(template: str, name: str) -> tuple[_Segment, ...]:
    if _NOTHING.fullmatch(template.strip("/")):
        return ()
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
    app = FastAPI(openapi_url=None, exception_handlers={404: _nothing_here, 405: _nothing_here})

    async def answer(request: Request) -> Any:
        return await _answer(routes, client_binding, request)

    app.add_api_route("/{path:path}", answer, methods=sorted(ALL_METHODS), response_model=None)
    return app


async def _nothing_here(_request: Request, _error: Exception) -> Response:
    """The catch-all route does not fit: a line break in the path, or a method that no function can take."""
    return Response(status_code=404)


async def _answer(routes: Sequence[Route], client_binding: str, request: Request) -> Any:
    found = _find(routes, request)
    if found is None:
        return Response(status_code=404)
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


def _find(routes: Sequence[Route], request: Request) -> tuple[HttpFunction, dict[str, str]] | None:
    # Split before decoding, so that an encoded slash stays inside its parameter.
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    left = raw.decode("latin-1").removeprefix("/").removesuffix("/")
    path = [unquote(segment) for segment in left.split("/")] if raw != b"/" else []
    for route in routes:
        if request.method in route.function.methods and (parameters := route.match(path)) is not None:
            return route.function, parameters
    return None
