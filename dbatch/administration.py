"""Who administers which service: `client.admin.organization` with an administrator's key, and what names mean there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from dbatch.exits import Failure
from dbatch.groups import this_program
from dbatch.service import ADDRESS, ADMIN_KEY, KEY, check_address

if TYPE_CHECKING:
    from openai import OpenAI

_LOCAL = "http://127.0.0.1:7071/v1"
_HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Door:
    """What was said to `dbatch admin`. `data` is the local host's folder, whose key goes to this machine only."""

    url: str | None = None
    key: str | None = None
    data: Path | None = None

    @property
    def address(self) -> str | None:
        """None is OpenAI itself."""
        found = self.url or os.environ.get(ADDRESS) or (_LOCAL if self.data else None)
        return f"{found.rstrip('/').removesuffix('/v1')}/v1" if found else None

    @property
    def given_key(self) -> str | None:
        return self.key or os.environ.get(ADMIN_KEY) or self._kept() or os.environ.get(KEY)

    def _kept(self) -> str | None:
        kept = self.data / "bootstrap-key" if self.data else None
        is_here = urlsplit(self.address or "").hostname in _HERE
        return kept.read_text().strip() if kept and is_here and kept.exists() else None


def administer() -> OpenAI:
    """A client with an administrator's key. Raises Failure if there is none."""
    from openai import OpenAI

    door = click.get_current_context().find_object(Door) or Door()
    if not (key := door.given_key):
        raise Failure("no key was given.", f"Give an administrator's key: {ADMIN_KEY}, or `dbatch admin --key`.")
    check_address(door.address, f"--url, or {ADDRESS},")
    return OpenAI(base_url=door.address, admin_api_key=key, api_key=key)


def all_of(listed: Any) -> list[dict[str, Any]]:
    """Of every page."""
    return [each.to_dict() for each in listed]


def project_of(client: OpenAI, named: str) -> dict[str, Any]:
    """By its id, or its name if only one active project has it."""
    projects = all_of(client.admin.organization.projects.list(limit=100, include_archived=True))
    return _one("project", named, projects, [each for each in projects if each.get("status") == "active"])


def key_of(client: OpenAI, project: dict[str, Any], named: str) -> dict[str, Any]:
    """By its id, or its name if only one of the project has it."""
    keys = all_of(client.admin.organization.projects.api_keys.list(project["id"], limit=100))
    return _one("key", named, keys, keys)


def _one(noun: str, named: str, everything: list[dict[str, Any]], by_name: list[dict[str, Any]]) -> dict[str, Any]:
    found = [each for each in everything if named == each["id"]]
    found = found or [each for each in by_name if named == each["name"]]
    if len(found) != 1:
        what = f"no {noun} is" if not found else f"{len(found)} {noun}s are"
        raise Failure(f"{what} named {named!r}.", f"`{this_program()} {noun}s` shows all, with their ids.")
    return found[0]
