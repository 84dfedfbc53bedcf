"""`scripts/smoke`: which promise does a deployed service not keep? Checks in order, a table, a verdict.

Removes what it made. Exits 0 if every check that was asked for passed, else 1. The key is never printed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import httpx
import smoke_logs
import smoke_webhook
from smoke_batch import DIALECTS, LINES, SmokeBatch
from smoke_call import CheckFailed, client
from smoke_courses import SMALL_LINES, SmokeCourses
from smoke_options import options
from smoke_report import Result, Verdict, passed, report
from smoke_service import SmokeService
from smoke_upload import SmokeFiles, check_limit

POLL_SECONDS = 1.0
LIMIT, BESIDE, WEBHOOK = "201 MB, chunked", "small beside large", "webhook"
NAMES = [
    *("service", "key", "readiness", "whole upload", "parted upload", "download", LIMIT, "deployment"),
    *(f"batch, {it.name}" for it in DIALECTS),
    *("cancel", WEBHOOK, BESIDE, "alert queries", "idle telemetry"),
]
BESIDE_HOW = "give --model NAME, a deployment to call; it gets at most {} requests more (--lines)"


class SmokeTest:
    """The checks; `results` fills as they go, so that an interrupted test has a table, too."""

    def __init__(self, http: httpx.Client, chosen: argparse.Namespace) -> None:
        self._http, self._chosen, self._key = http, chosen, chosen.key
        self._service = SmokeService(http, chosen.key, chosen.deployment or chosen.model)
        self._files = SmokeFiles(http, chosen.key)
        self._courses = SmokeCourses(http, chosen.key, chosen.timeout)
        self._batches: list[SmokeBatch] = []
        self._webhook: smoke_webhook.SmokeWebhook | None = None
        self.results = {name: Result(name=name) for name in NAMES}

    def run(self) -> None:
        """Every check that makes sense after those before it. The longest upload goes on beside the batches."""
        if not (self._check("service", self._service.check_it_runs) and self._check("key", self._service.check_key)):
            return
        self._check("readiness", self._service.check_readiness)
        if self._service.warned:
            self.results["readiness"].verdict = Verdict.WARNING
        self._look_at_logs()  # First, so that they do not tell of this test.
        limit = threading.Thread(target=self._check_limit, daemon=True)
        limit.start()
        self._try_files()
        if self._check("deployment", self._service.find_deployment):
            self._try_batches()
        limit.join()

    def clean(self) -> None:
        left = [batch.clean() for batch in self._batches] + self._courses.clean() + [self._files.clean()]
        with suppress(CheckFailed):
            left.append(self._webhook.close() if self._webhook else None)
        for line in filter(None, left):
            say(line)

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

    def _leave_out(self, name: str, how: str) -> None:
        self.results[name].verdict, self.results[name].seen = Verdict.LEFT_OUT, how

    def _try_files(self) -> None:
        self._check("whole upload", self._files.check_whole)
        if self._check("parted upload", self._files.check_parted):
            self._check("download", self._files.check_download)

    def _check_limit(self) -> None:
        with client(self._chosen.url) as http:
            self._check(LIMIT, lambda: check_limit(http, self._key, say))

    def _look_at_logs(self) -> None:
        if not self._chosen.workspace:
            for name in ("alert queries", "idle telemetry"):
                self._leave_out(name, smoke_logs.HOW)
            return
        with httpx.Client(timeout=60.0) as http:
            logs: list[smoke_logs.SmokeLogs] = []

            def sign_in() -> str:
                logs.append(smoke_logs.SmokeLogs(http, self._chosen.workspace, self._chosen.log_api))
                return logs[0].check_queries()

            self._check("alert queries", sign_in)
            if logs:
                self._check("idle telemetry", logs[0].check_idle)

    def _try_batches(self) -> None:
        model, beside = self._service.deployment, self._chosen.lines + SMALL_LINES
        most = (len(DIALECTS) + 1) * LINES
        say(f"at most {most + (beside if self._chosen.model else 0)} requests will reach the model")
        hooked = self._begin_webhook()
        self._run_dialects()
        self._check("cancel", lambda: self._courses.check_cancel(model))
        if hooked and self._webhook:
            ended = [batch.id for batch in self._batches if batch.ended]
            webhook = self._webhook
            self._check(WEBHOOK, lambda: webhook.check(ended))
        if self._chosen.model:
            self._check(BESIDE, lambda: self._courses.check_beside(self._chosen.model, self._chosen.lines))
        else:
            self._leave_out(BESIDE, BESIDE_HOW.format(beside))

    def _begin_webhook(self) -> bool:
        if not self._chosen.webhook:
            self._leave_out(WEBHOOK, smoke_webhook.HOW)
            return False

        def begin() -> str:
            chosen = self._chosen
            self._webhook = smoke_webhook.SmokeWebhook(self._http, self._key, chosen.webhook, chosen.webhook_port)
            self._webhook.start()
            return "made"

        return self._check(WEBHOOK, begin)

    def _run_dialects(self) -> None:
        """All four side by side: most of the time is waiting."""
        self._batches = [SmokeBatch(self._http, it, self._key, self._service.deployment) for it in DIALECTS]
        running = [batch for batch in self._batches if self._check(_named(batch), batch.start)]
        until, shown = time.monotonic() + self._chosen.timeout, ""
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


def main() -> int:
    chosen = options(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with client(chosen.url) as http:
        test = SmokeTest(http, chosen)
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
