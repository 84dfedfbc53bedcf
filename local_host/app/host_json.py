"""The app's host.json, as far as the local host heeds it; the environment overrides it as on the platform.

A setting's variable is its path: `AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from local_host.app.function_index import InvalidApp

_DEFAULT_TIMEOUT = "00:30:00"
_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d\d):(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """`activity_slots`: how many activities run at a time. A `function_timeout` of timedelta.max is none."""

    route_prefix: str
    activity_slots: int
    function_timeout: timedelta


def read_host_json(path: Path, environment: Mapping[str, str]) -> HostSettings:
    """Raises InvalidApp."""
    if not path.exists():
        raise InvalidApp(f"There is no host.json in {path.parent.name}: the real host would not start.")
    try:
        document = json.loads(path.read_text())
        found = _Found(document, environment)
        # Orchestrators' slots are checked and no more: here one step is taken at a time.
        found.slots("maxConcurrentOrchestratorFunctions")
        return HostSettings(
            route_prefix=str(found.setting("extensions", "http", "routePrefix", default="api")),
            activity_slots=found.slots("maxConcurrentActivityFunctions"),
            function_timeout=_time_span(str(found.setting("functionTimeout", default=_DEFAULT_TIMEOUT))),
        )
    except (ValueError, AttributeError) as error:
        raise InvalidApp(f"{path} is not a JSON object of settings: {error}") from error


class _Found:
    def __init__(self, document: dict[str, Any], environment: Mapping[str, str]) -> None:
        self._document = document
        self._environment = environment

    def setting(self, *path: str, default: object) -> object:
        override = self._environment.get("__".join(("AzureFunctionsJobHost", *path)))
        if override is not None:
            return override
        section = self._document
        for name in path[:-1]:
            section = section.get(name, {})
        return section.get(path[-1], default)

    def slots(self, name: str) -> int:
        """The platform's default is ten for each core."""
        found = self.setting("extensions", "durableTask", name, default=10 * (os.cpu_count() or 1))
        if not str(found).isdigit() or int(str(found)) == 0:
            raise InvalidApp(f"host.json: {name} must be a positive integer value; it is {found!r}.")
        return int(str(found))


def _time_span(text: str) -> timedelta:
    if text == "-1":
        return timedelta.max
    match = _TIME_SPAN.fullmatch(text)
    if match is None:
        raise InvalidApp(f"host.json: functionTimeout must be hh:mm:ss, or -1 for none; it is {text!r}.")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
