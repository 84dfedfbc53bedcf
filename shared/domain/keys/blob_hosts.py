"""Which storage accounts of callers a project may use: `BATCH_BLOB_HOSTS`.

Rule of this file: an account that is bound to projects is to every other project as if it were not listed. What an
address in such an account must look like is decided in `files/blob_address`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from shared.domain.keys.project import DEFAULT_PROJECT, parse_project_id

_HOST: Final = re.compile(r"(?:(https?)://)?([a-z0-9.-]+(?::\d{1,5})?)/?", re.IGNORECASE | re.ASCII)

BlobHosts = Mapping[str, frozenset[str] | None]  # Origin (`https://host`) -> canonical ids of projects; None: all.


def parse_hosts(text: str) -> BlobHosts:
    """Entries separated by commas, each a host, or `host=project|project`; `https` unless said otherwise.

    Raises ValueError.
    """
    hosts: dict[str, frozenset[str] | None] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        host, bound, projects = entry.partition("=")
        origin = _origin(host.strip())
        named = frozenset(map(_project, projects.split("|"))) if bound else None
        if hosts.setdefault(origin, named) != named:
            raise ValueError(f"{host!r} is listed twice; name all of its projects in one entry")
    return hosts


def origins_of(hosts: BlobHosts, project_id: str) -> frozenset[str]:
    """The accounts that this project may use."""
    return frozenset(origin for origin, projects in hosts.items() if projects is None or project_id in projects)


def _origin(host: str) -> str:
    match = _HOST.fullmatch(host)
    if match is None:
        raise ValueError(f"{host!r} is no host, such as account.blob.core.windows.net")
    return f"{match[1] or 'https'}://{match[2]}".lower()


def _project(text: str) -> str:
    project_id = parse_project_id(text.strip())
    if project_id is None:
        raise ValueError(f"{text!r} is no id of a project; write host={DEFAULT_PROJECT} or host=proj_…|proj_…")
    return project_id
