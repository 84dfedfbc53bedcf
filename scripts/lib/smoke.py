"""`scripts/smoke`: is a deployed service all right? The checks in order, a table of what was seen, a verdict.

Makes four small batches and one large upload, and removes its files. Exits 0 if every check passed, else 1. The key is
never printed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from smoke_batch import DIALECTS, SmokeBatch
from smoke_call import CheckFailed, call, client, expect, message
from smoke_report import Result, Verdict, passed, report
from smoke_upload import check_large_upload

POLL_SECONDS = 1.0


class SmokeTest:
    """The checks; `results` fills as they go, so that an interrupted test has a table, too."""

    def __init__(self, http: httpx.Client, key: str, deployment: str | None, timeout_seconds: float) -> None:
        self._http = http
        self._key = key
        self._headers = {"Authorization": f"Bearer {key}"}
        self._deployment = deployment or ""
        self._timeout_seconds = timeout_seconds
        self._batches: list[SmokeBatch] = []
        names = ["service", "key", "readiness", "deployment", "201 MB upload"]
        self.results = {name: Result(name=name) for name in names + [f"batch, {it.name}" for it in DIALECTS]}

    def run(self) -> None:
        """Every check that makes sense after those before it."""
        if not (self._check("service", self._service) and self._check("key", self._is_let_in)):
            return
        self._check("readiness", self._readiness)
        known = self._check("deployment", self._find_deployment)
        self._check("201 MB upload", lambda: check_large_upload(self._http, self._key, say))
        if known:
            self._run_batches()

    def clean(self) -> None:
        for batch in self._batches:
            if left := batch.clean():
                say(left)

    def _check(self, name: str, look: Callable[[], str]) -> bool:
        """Whether the check passed; what was seen is noted."""
        say(f"{name} ...")
        begun = time.monotonic()
        seen = self._noted(name, look)
        self.results[name].seconds = time.monotonic() - begun
        return seen

    def _noted(self, name: str, look: Callable[[], str]) -> bool:
        result = self.results[name]
        try:
            result.seen = look()
        except CheckFailed as failure:
            result.verdict, result.seen, result.advice = Verdict.FAILED, failure.seen, failure.advice
            return False
        except (ValueError, LookupError, TypeError) as error:
            result.verdict = Verdict.FAILED
            result.seen = f"an answer that is not this service's ({type(error).__name__}: {error})"
            result.advice = "Check the URL, and what stands in front of the app."
            return False
        if result.verdict is Verdict.NOT_TRIED:
            result.verdict = Verdict.OK
        return True

    def _service(self) -> str:
        answer = call(self._http, "GET", "/healthz")
        if answer.status_code == 503:
            raise CheckFailed("it runs, but its settings are wrong", "The service's log names the settings.")
        if answer.status_code == 404:
            raise CheckFailed("there is no /healthz at this URL", "Check the URL: it ends before /v1.")
        expect(answer, 200)
        return "it runs"

    def _is_let_in(self) -> str:
        answer = call(self._http, "GET", "/v1/files", params={"limit": 1}, headers=self._headers)
        if answer.status_code in (401, 403):
            raise CheckFailed(f"refused: {message(answer)}", "Check the key, and that it belongs to this service.")
        expect(answer, 200)
        return "accepted"

    def _readiness(self) -> str:
        checks = self._readiness_checks()
        bad = [f"{check['name']}: {check['message']}" for check in checks if check["status"] != "ok"]
        if any(check["required"] and check["status"] == "failed" for check in checks):
            raise CheckFailed("; ".join(bad), "Do what it says, then run this again.")
        if bad:
            self.results["readiness"].verdict = Verdict.WARNING
        return "; ".join(bad) or f"all {len(checks)} checks are ok"

    def _readiness_checks(self) -> list[dict[str, Any]]:
        answer = call(self._http, "GET", "/readyz", headers=self._headers)
        checks: list[dict[str, Any]] = expect(answer, 200, 503).json().get("checks", [])
        return checks

    def _find_deployment(self) -> str:
        """--deployment, else the first model that is listed, else the first upstream that is well."""
        if self._deployment:
            return f"{self._deployment}, as asked"
        listed = call(self._http, "GET", "/v1/models", headers=self._headers)
        names = [str(model["id"]) for model in listed.json()["data"]] if listed.status_code == 200 else []
        checks = sorted(self._readiness_checks(), key=lambda check: check["status"] != "ok")
        names += [str(it["name"]).partition(":")[2] for it in checks if str(it["name"]).startswith("upstream:")]
        if not names:
            raise CheckFailed("the service tells of none", "Set BATCH_DEPLOYMENTS, or name one with --deployment.")
        self._deployment = names[0]
        return f"{names[0]}, the first of {len(set(names))}; another: --deployment NAME"

    def _run_batches(self) -> None:
        """All four side by side: most of the time is waiting."""
        self._batches = [SmokeBatch(self._http, it, self._key, self._deployment) for it in DIALECTS]
        running = [batch for batch in self._batches if self._check(_named(batch), batch.start)]
        until, shown = time.monotonic() + self._timeout_seconds, ""
        while any(not batch.ended for batch in running) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
            running = [batch for batch in running if batch.ended or self._noted(_named(batch), batch.look)]
            state = ", ".join(f"{batch.dialect.name} {batch.status} {batch.progress}" for batch in running)
            if state != shown:
                say(state)
                shown = state
        for batch in running:
            self._noted(_named(batch), batch.check)
        for batch in self._batches:
            self.results[_named(batch)].seconds = batch.seconds


def _named(batch: SmokeBatch) -> str:
    return f"batch, {batch.dialect.name}"


def say(line: str) -> None:
    """Progress, beside the table."""
    print(f"  {line}", file=sys.stderr, flush=True)


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/smoke",
        description="Try a deployed service: upload 201 MB, run a small batch in each dialect, delete what was made.",
    )
    parser.add_argument("url", metavar="URL", type=_url, help="of the service, such as https://NAME.azurewebsites.net")
    parser.add_argument("key", metavar="KEY", help="an API key of it; it is not printed")
    parser.add_argument("--deployment", metavar="NAME", help="what answers chat completions (default: the first)")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=300.0, help="longest wait for the batches (default 300)"
    )
    return parser.parse_args(arguments)


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} does not begin with https:// or http://")
    return text.rstrip("/").removesuffix("/v1")


def main() -> int:
    chosen = options(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with client(chosen.url) as http:
        test = SmokeTest(http, chosen.key, chosen.deployment, chosen.timeout)
        try:
            test.run()
        except KeyboardInterrupt:
            say("Stopped.")
        finally:
            test.clean()
    results = list(test.results.values())
    print(report(chosen.url, results), flush=True)
    return 0 if passed(results) else 1


if __name__ == "__main__":
    sys.exit(main())
