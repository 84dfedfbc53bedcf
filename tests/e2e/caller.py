"""Calls in plain HTTP under one of the prefixes."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

from bench.programs import ENDED

OPENAI, DEEPINFRA, CLASSIC, AZURE_V1 = "/v1", "/v1/openai", "/openai", "/openai/v1"
COMPASS = "/batch-api/v1"
DEPLOYMENT = "/openai/deployments/m"
AZURE = (CLASSIC, AZURE_V1, DEPLOYMENT)


class Caller:
    """`http` knows the service and a key; Azure's prefixes get an api-version."""

    def __init__(self, http: httpx.Client, mount: str) -> None:
        self.http = http
        self.mount = mount
        self.azure = mount in AZURE

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        version = {"api-version": "2025-04-01-preview"} if self.azure else {}
        return self.http.request(method, f"{self.mount}/{path}", params=version | options.pop("params", {}), **options)

    def upload(self, content: bytes, **fields: str) -> dict[str, Any]:
        files = {"file": ("in.jsonl", content, "application/octet-stream")}
        return self.call("POST", "files", data={"purpose": "batch"} | fields, files=files).raise_for_status().json()

    def create(self, file_id: str, **changes: Any) -> httpx.Response:
        body = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        return self.call("POST", "batches", json=body | changes)

    def wait(self, batch_id: str) -> dict[str, Any]:
        until = time.monotonic() + 240
        while (batch := self.call("GET", f"batches/{batch_id}").json())["status"] not in ENDED:
            assert time.monotonic() < until, batch
            time.sleep(0.05)
        return batch

    def run(self, content: bytes, **changes: Any) -> dict[str, Any]:
        return self.wait(self.create(self.upload(content)["id"], **changes).raise_for_status().json()["id"])

    def lines(self, file_id: str | None) -> list[dict[str, Any]]:
        text = self.call("GET", f"files/{file_id}/content").raise_for_status().text if file_id else ""
        return [json.loads(line) for line in text.splitlines()]
