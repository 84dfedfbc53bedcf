"""One small batch in one dialect, from upload to answers; its files are deleted at the end, whatever happened."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

import httpx
from smoke_call import CheckFailed, call, expect

LINES = 3
_LATER = {429, 500, 502, 503, 504}
ENDED = {"completed", "failed", "expired", "cancelled"}


class Dialect(NamedTuple):
    """Where it is served, how it takes the key, what it calls the endpoint."""

    name: str
    prefix: str
    header: str
    endpoint: str
    version: str | None = None


OPENAI = Dialect("OpenAI", "/v1", "Authorization", "/v1/chat/completions")
DIALECTS = (
    OPENAI,
    Dialect("Azure", "/openai", "api-key", "/chat/completions", version="2024-10-21"),
    Dialect("Azure v1", "/openai/v1", "api-key", "/chat/completions"),
    Dialect("DeepInfra", "/v1/openai", "Authorization", "/v1/chat/completions"),
    Dialect("Compass", "/batch-api/v1", "api-key", "/v1/chat/completions"),
)


class SmokeBatch:
    """The batch as last seen, and the files to delete."""

    def __init__(self, http: httpx.Client, dialect: Dialect, key: str, deployment: str, lines: int = LINES) -> None:
        self.dialect = dialect
        self.status = "not created"
        self.progress = ""
        self.seconds = 0.0
        self.validated_seconds: float | None = None
        self._begun = time.monotonic()
        self._http = http
        self._headers = {dialect.header: f"Bearer {key}" if dialect.header == "Authorization" else key}
        self._deployment = deployment
        self._lines = lines
        self._batch: dict[str, Any] = {}
        self._files: list[str] = []

    def start(self) -> str:
        """Upload and create. Raises CheckFailed."""
        form = {"file": ("smoke.jsonl", self._content(), "application/octet-stream")}
        uploaded = self._call("POST", "files", data={"purpose": "batch"}, files=form)
        self._files.append(expect(uploaded, 200, 201).json()["id"])
        body = {"input_file_id": self._files[0], "endpoint": self.dialect.endpoint, "completion_window": "24h"}
        self._begun = time.monotonic()
        return self._see(expect(self._call("POST", "batches", json=body), 200, 201).json())

    def look(self) -> str:
        """Ask for the batch; a service that is busy is asked again later. Raises CheckFailed."""
        answer = self._call("GET", f"batches/{self.id}")
        return self.status if answer.status_code in _LATER else self._see(expect(answer, 200).json())

    def cancel(self) -> bool:
        """Whether it was still to be cancelled; one that had ended is left as it is. Raises CheckFailed."""
        answer = expect(self._call("POST", f"batches/{self.id}/cancel"), 200, 409)
        if answer.status_code == 200:
            self._see(answer.json())
        return answer.status_code == 200

    @property
    def id(self) -> str:
        return str(self._batch["id"])

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def check(self) -> str:
        """What was seen. Raises CheckFailed unless every line was answered."""
        if not self.ended:
            advice = "Give it longer with --timeout. If it never ends, ask GET /readyz with the key."
            raise CheckFailed(f"still {self.status} {self.progress} ({self.id})", advice)
        if self.status != "completed":
            raise CheckFailed(f"{self.status}: {self._first_error()}", "Mend what it says; GET /readyz tells more.")
        if errors := self._results(self._batch.get("error_file_id")):
            advice = "Check the deployment in BATCH_DEPLOYMENTS, and what GET /readyz says of its upstream."
            raise CheckFailed(f"{self.progress} answered; the first error: {_reason(errors[0])}", advice)
        answered = {line["custom_id"] for line in self._results(self._batch["output_file_id"]) if _is_answer(line)}
        if answered != self.custom_ids:
            raise CheckFailed(f"answers to {sorted(answered)} only", "Read the output file; this is a fault to report.")
        return f"{len(answered)} of {self._lines} requests answered"

    @property
    def custom_ids(self) -> set[str]:
        """Of every line that was sent."""
        return {f"smoke-{number}" for number in range(self._lines)}

    def results(self) -> list[str]:
        """The custom_ids of both result files, as often as they are there. Raises CheckFailed."""
        files = (self._batch.get("output_file_id"), self._batch.get("error_file_id"))
        return [str(line["custom_id"]) for file_id in files for line in self._results(file_id)]

    def clean(self) -> str | None:
        """Delete the batch's files. A sentence if some stay: those of a batch that runs on are still read."""
        if self._batch and not self.ended:
            return f"{self.id} runs on, so its files stay: {', '.join(self._files)}"
        wanted = {*self._files, self._batch.get("output_file_id"), self._batch.get("error_file_id")} - {None, ""}
        left = [file_id for file_id in wanted if not self._delete(str(file_id))]
        return f"not deleted: {', '.join(sorted(map(str, left)))}" if left else None

    def _delete(self, file_id: str) -> bool:
        try:
            return self._call("DELETE", f"files/{file_id}").status_code in (200, 204)
        except CheckFailed:
            return False

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        version = {"api-version": self.dialect.version} if self.dialect.version else {}
        path = f"{self.dialect.prefix}/{path}"
        return call(self._http, method, path, headers=self._headers, params=version, **options)

    def _see(self, batch: dict[str, Any]) -> str:
        counts = batch.get("request_counts") or {}
        self._batch, self.status = batch, str(batch["status"])
        self.progress = f"{counts.get('completed', 0)}/{counts.get('total', 0)}"
        self.seconds = time.monotonic() - self._begun
        if self.validated_seconds is None and self.status != "validating":
            self.validated_seconds = self.seconds
        return self.status

    def _content(self) -> bytes:
        messages = [{"role": "user", "content": "Reply with the single word OK."}]
        body = {"model": self._deployment, "messages": messages}
        lines = (
            {"custom_id": f"smoke-{number}", "method": "POST", "url": self.dialect.endpoint, "body": body}
            for number in range(self._lines)
        )
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    def _results(self, file_id: str | None) -> list[dict[str, Any]]:
        if not file_id:
            return []
        content = expect(self._call("GET", f"files/{file_id}/content"), 200).text
        return [json.loads(line) for line in content.splitlines()]

    def _first_error(self) -> str:
        errors = (self._batch.get("errors") or {}).get("data") or [{}]
        return str(errors[0].get("message", "it does not say why"))


def _is_answer(line: dict[str, Any]) -> bool:
    response = line.get("response") or {}
    return response.get("status_code") == 200 and bool((response.get("body") or {}).get("choices"))


def _reason(line: dict[str, Any]) -> str:
    body = (line.get("response") or {}).get("body") or {}
    error = line.get("error") or body.get("error") or {}
    return str(error.get("message", "it does not say why"))[:300]
