"""Calls of an administrator, for the tests of administration."""

from __future__ import annotations

from typing import Any

import httpx

ORGANIZATION = "/v1/organization"
PROJECTS = f"{ORGANIZATION}/projects"
ADMIN_KEYS = f"{ORGANIZATION}/admin_api_keys"


async def post(api: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    """The answer, which must be 200."""
    response = await api.post(path, json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def read(api: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    """The answer, which must be 200."""
    response = await api.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def new_project(api: httpx.AsyncClient, name: str = "One", **fields: Any) -> str:
    """The path of a new project."""
    return f"{PROJECTS}/{(await post(api, PROJECTS, name=name, **fields))['id']}"


async def new_account(api: httpx.AsyncClient, project: str, name: str = "job", **fields: Any) -> dict[str, Any]:
    """A new account of the project at that path."""
    return await post(api, f"{project}/service_accounts", name=name, **fields)


async def names(api: httpx.AsyncClient, path: str, **query: Any) -> list[str]:
    """Of all objects of a page."""
    return [one["name"] for one in (await read(api, path, **query))["data"]]


def error_of(response: httpx.Response) -> tuple[int, str | None, str | None]:
    """Status, code and parameter."""
    error = response.json()["error"]
    return response.status_code, error["code"], error["param"]
