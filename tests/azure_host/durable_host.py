"""One host that runs the semantics app, seen through the durable client's HTTP calls."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

_BONES = re.compile(
    r"(?:Orchestrator|Activity) function '\w+' failed: |Message: |StackTrace: |(?<=\"\$type\":\")[\w.]+"
)


@dataclass(frozen=True)
class DurableHost:
    """`rpc` ends in a slash."""

    rpc: str
    folder: Path

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status code, and the body: its sentence where it is one of .NET's errors."""
        answer = httpx.request(method, self.rpc + path, json=body, timeout=30)
        found = answer.json() if answer.content else None
        return answer.status_code, found.get("ExceptionMessage", found) if isinstance(found, dict) else found

    def start(self, name: str, instance_id: str, given: object = None) -> int:
        """As the durable client does: JSON text in a JSON string."""
        return self.ask("POST", f"orchestrators/{name}/{instance_id}", given if given is None else json.dumps(given))[0]

    def act(self, instance_id: str, act: str) -> tuple[int, Any]:
        return self.ask("POST", f"instances/{instance_id}/{act}")

    def code(self, instance_id: str, act: str) -> int:
        return self.act(instance_id, act)[0]

    def send(self, instance_id: str, value: object) -> int:
        return self.ask("POST", f"instances/{instance_id}/raiseEvent/go", json.dumps(value))[0]

    def purge(self, instance_id: str) -> tuple[int, Any]:
        return self.ask("DELETE", f"instances/{instance_id}")

    def status(self, instance_id: str) -> dict[str, Any]:
        """Empty for an unknown id."""
        code, body = self.ask("GET", f"instances/{instance_id}")
        return body if code in (200, 202) else {}

    def until(
        self, instance_id: str, is_so: Callable[[dict[str, Any]], bool], seconds: float = 120.0
    ) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while not is_so(found := self.status(instance_id)):
            assert time.monotonic() < until, found
            time.sleep(0.1)
        return found

    def reaches(self, instance_id: str, status: str) -> tuple[str, Any]:
        """Status and output."""
        found = self.until(instance_id, lambda found: found.get("runtimeStatus") == status)
        return status, found["output"]

    def ended(self, instance_id: str, seconds: float = 120.0) -> tuple[str, Any]:
        """Status and output."""
        ends = ("Completed", "Failed", "Terminated")
        found = self.until(instance_id, lambda found: found.get("runtimeStatus") in ends, seconds)
        return found["runtimeStatus"], found["output"]

    def run(self, name: str, instance_id: str, given: object = None) -> tuple[str, Any]:
        assert self.start(name, instance_id, given) == 202
        return self.ended(instance_id)

    def mend(self, instance_id: str) -> None:
        (self.folder / f"mended-{instance_id.replace(':', '-')}").touch()


def bones(text: str) -> list[str]:
    """What a failure's text consists of, without what names a file or an assembly."""
    return _BONES.findall(text)


def first_sentence(text: str) -> str:
    return text.partition(" \n ")[0]
