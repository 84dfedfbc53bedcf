"""The calls of `scripts/admin`."""

from __future__ import annotations

from typing import Any

import httpx
from smoke_call import CheckFailed, call, expect


class Administration:
    """Under `/v1/organization`. Raises CheckFailed with what to do."""

    def __init__(self, http: httpx.Client, key: str) -> None:
        self._http, self._headers = http, {"authorization": f"Bearer {key}"}

    def ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = call(self._http, method, f"/v1/organization/{path}", headers=self._headers, **options)
        if answer.status_code in (401, 403):
            raise CheckFailed(
                f"the key was refused: {answer.json()['error']['message']}",
                "Give an administrator's key or the bootstrap key: --key, or OPENAI_ADMIN_KEY.",
            )
        found: dict[str, Any] = expect(answer, 200).json()
        return found

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            page = self.ask("GET", path, params={"limit": 100, **query, **after})
            found += page["data"]
            if not page["has_more"]:
                return found
            after = {"after": page["last_id"]}

    def project(self, named: str) -> dict[str, Any]:
        """By its id, or its name if only one active project has it."""
        projects = self.all("projects", include_archived="true")
        found = [each for each in projects if named == each["id"]]
        found = found or [each for each in projects if named == each["name"] and each["status"] == "active"]
        if len(found) != 1:
            what = "no project" if not found else f"{len(found)} projects"
            raise CheckFailed(f"{what} named {named!r}", "`scripts/admin projects` shows all, with their ids.")
        return found[0]

    def limit(self, path: str) -> dict[str, Any] | None:
        """None where there is none."""
        answer = call(self._http, "GET", f"/v1/organization/{path}", headers=self._headers)
        return None if answer.status_code == 404 else expect(answer, 200).json()
