"""Holds every answer of the API's tests to the OpenAPI document: its status, its type, and each of its keys."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import msgspec

from api.mounts import MOUNTS
from api.openapi.document import build_document
from local_host.http.http_server import Route, compile_routes
from tests.api.harness import app_index


@cache
def documents() -> dict[str, dict[str, Any]]:
    """The document of each dialect, by its prefix."""
    built = {mount.dialect.prefix: build_document(mount.dialect, MOUNTS) for mount in MOUNTS}
    decoded: dict[str, dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(built))
    return decoded


@cache
def document() -> dict[str, Any]:
    """All of them as one."""
    paths = {path: item for each in documents().values() for path, item in each["paths"].items()}
    return next(iter(documents().values())) | {"paths": paths}


async def check(response: httpx.Response) -> None:
    """Fails unless the document says that this call may be answered so. What a catch-all answers is in no document."""
    path = response.request.url.raw_path.decode().partition("?")[0]
    method = response.request.method
    template = _template(method, path)
    if template is None:
        return
    await response.aread()
    answers = document()["paths"][template][method.lower()]["responses"]
    assert str(response.status_code) in answers, f"{method} {template} is not said to answer {response.status_code}"
    _check_content(answers[str(response.status_code)], response, f"{method} {template}")


def _check_content(answer: dict[str, Any], response: httpx.Response, what: str) -> None:
    missing = {name for name in answer.get("headers", {}) if name not in response.headers}
    assert not missing, f"{what} answers without {missing}"
    if not response.content:
        return
    content = answer["content"][response.headers["content-type"]]
    if response.headers["content-type"] == "application/json":
        _validator(content["schema"].get("$ref")).validate(response.json())


def _template(method: str, path: str) -> str | None:
    segments = path.removeprefix("/").removesuffix("/").split("/")
    for route in _routes():
        if method in route.function.methods and route.match(segments) is not None:
            return None if "{*" in route.function.route else f"/{route.function.route}"
    return None


@cache
def _routes() -> list[Route]:
    return compile_routes(app_index().http)


@cache
def _validator(name: str | None) -> Any:
    schema = {"$ref": name} if name else {}
    return jsonschema_rs.Draft202012Validator(schema | {"components": _closed(document()["components"])})


def _closed(schema: Any) -> Any:
    """The schema with no key allowed that it does not name."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and "required" in schema:
        closed.setdefault("additionalProperties", False)
    return closed
