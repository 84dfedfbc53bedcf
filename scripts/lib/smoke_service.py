"""Is it the service, does it let the key in, is it ready, and which deployment can be tried?"""

from __future__ import annotations

from typing import Any

import httpx
from smoke_call import CheckFailed, call, expect, message


class SmokeService:
    """The first checks. `warned` is set when readiness is degraded: nothing is broken that the service needs."""

    def __init__(self, http: httpx.Client, key: str, deployment: str | None) -> None:
        self.deployment = deployment or ""
        self.warned = False
        self._http, self._headers = http, {"Authorization": f"Bearer {key}"}

    def check_it_runs(self) -> str:
        answer = call(self._http, "GET", "/healthz")
        if answer.status_code == 503:
            raise CheckFailed("it runs, but its settings are wrong", "The service's log names the settings.")
        if answer.status_code == 404:
            raise CheckFailed("there is no /healthz at this URL", "Check the URL: it ends before /v1.")
        expect(answer, 200)
        return "it runs"

    def check_key(self) -> str:
        answer = call(self._http, "GET", "/v1/files", params={"limit": 1}, headers=self._headers)
        if answer.status_code in (401, 403):
            raise CheckFailed(f"refused: {message(answer)}", "Check the key, and that it belongs to this service.")
        expect(answer, 200)
        return "accepted"

    def check_readiness(self) -> str:
        checks = self._readiness()
        bad = [f"{check['name']}: {check['message']}" for check in checks if check["status"] != "ok"]
        if any(check["required"] and check["status"] == "failed" for check in checks):
            raise CheckFailed("; ".join(bad), "Do what it says, then run this again.")
        self.warned = bool(bad)
        return "; ".join(bad) or f"all {len(checks)} checks are ok"

    def find_deployment(self) -> str:
        """--deployment, else the first model that is listed, else the first upstream that is well."""
        if self.deployment:
            return f"{self.deployment}, as asked"
        listed = call(self._http, "GET", "/v1/models", headers=self._headers)
        names = [str(model["id"]) for model in listed.json()["data"]] if listed.status_code == 200 else []
        checks = sorted(self._readiness(), key=lambda check: check["status"] != "ok")
        names += [str(it["name"]).partition(":")[2] for it in checks if str(it["name"]).startswith("upstream:")]
        if not names:
            raise CheckFailed("the service tells of none", "Set BATCH_DEPLOYMENTS, or name one with --deployment.")
        self.deployment = names[0]
        return f"{names[0]}, the first of {len(set(names))}; another: --deployment NAME"

    def _readiness(self) -> list[dict[str, Any]]:
        answer = call(self._http, "GET", "/readyz", headers=self._headers)
        checks: list[dict[str, Any]] = expect(answer, 200, 503).json().get("checks", [])
        return checks
