"""The real programs, for benchmarks and tests: the local host and the mock upstream, to be killed and restarted."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import openai
import psutil

ROOT = Path(__file__).resolve().parent.parent
KEY = "test-key"
ENDED = {"completed", "failed", "expired", "cancelled"}


@dataclass
class Program:
    """A Python module run as a process that prints `Listening on URL`."""

    arguments: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 120.0) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.arguments],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.url = self._listening(time.monotonic() + seconds)

    def _listening(self, until: float) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        said = b""
        while time.monotonic() < until and self.process.poll() is None:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                said += os.read(self.process.stdout.fileno(), 65536)
            if found := re.search(rb"Listening on (http://\S+)", said):
                return found[1].decode()
        raise AssertionError(f"{self.arguments} did not start:\n{said.decode()}\n{self.log.read_text()}")

    def kill(self) -> None:
        """kill -9, as a power cut would: nothing gets a chance to tidy up."""
        assert self.process is not None
        self.process.kill()
        self._reap()

    def stop(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._reap()

    def _reap(self) -> None:
        assert self.process is not None
        self.process.wait(60)
        if self.process.stdout:
            self.process.stdout.close()


class Mock(Program):
    """`bench.mock_upstream`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        super().__init__(["bench.mock_upstream", "--port", "0", *arguments], folder / "mock.log")

    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = httpx.get(f"{self.url}/__stats", timeout=60).json()
        return stats

    def reset(self) -> None:
        httpx.post(f"{self.url}/__reset", timeout=60).raise_for_status()


def service_environment(
    upstream_url: str, deployment: Mapping[str, Any] | None, settings: Mapping[str, str]
) -> dict[str, str]:
    """The settings of a service with one deployment, `m`, on `upstream_url`."""
    deployments = {"m": {"base_url": f"{upstream_url}/v1", **(deployment or {})}}
    return {"BATCH_BOOTSTRAP_KEY": KEY, "BATCH_DEPLOYMENTS": json.dumps(deployments), **settings}


class Service(Program):
    """`python -m local_host` with one deployment, `m`, on `upstream_url`."""

    def __init__(
        self,
        folder: Path,
        upstream_url: str,
        *arguments: str,
        deployment: Mapping[str, Any] | None = None,
        **settings: str,
    ) -> None:
        super().__init__(
            ["local_host", "--port", "0", "--data", str(folder / "data"), "--grace", "5", *arguments],
            folder / "host.log",
            service_environment(upstream_url, deployment, settings),
        )

    @property
    def openai(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=KEY)

    @property
    def azure(self) -> openai.AzureOpenAI:
        return openai.AzureOpenAI(azure_endpoint=self.url, api_key=KEY, api_version="2024-10-21")

    def workers(self) -> list[psutil.Process]:
        """The activity worker processes now alive, without the spare, which has another title (on Linux)."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "local_host.workers.activity_worker" in " ".join(child.cmdline())]

    def has_spare(self) -> bool:
        """Whether a spare worker is ready (on Linux)."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children(recursive=True)
        return any(" ".join(child.cmdline()).startswith("spare of the local host, ready") for child in children)

    def upload(self, data: bytes, name: str = "input.jsonl") -> str:
        with self.openai as client:
            return client.files.create(file=(name, data), purpose="batch").id

    def create(self, file_id: str, **changes: Any) -> str:
        arguments = {"endpoint": "/v1/chat/completions", "completion_window": "24h", **changes}
        with self.openai as client:
            return client.batches.create(input_file_id=file_id, **arguments).id

    def wait(self, batch_id: str, seconds: float = 240.0, pause: float = 0.05) -> Any:
        """The batch when it has ended."""
        until = time.monotonic() + seconds
        with self.openai as client:
            while (batch := client.batches.retrieve(batch_id)).status not in ENDED:
                assert time.monotonic() < until, f"{batch}\n{self.log.read_text()[-3000:]}"
                time.sleep(pause)
        return batch

    def run(self, data: bytes, **changes: Any) -> Any:
        return self.wait(self.create(self.upload(data), **changes))

    def lines(self, file_id: str | None) -> list[dict[str, Any]]:
        """The result lines of a file; none for no file."""
        if file_id is None:
            return []
        with self.openai as client:
            return [json.loads(line) for line in client.files.content(file_id).text.splitlines()]


def chat_line(number: int, text: str | None = None, **changes: Any) -> dict[str, Any]:
    """A request line as a caller writes it."""
    content = f"question {number}" if text is None else text
    body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    return {"custom_id": f"c{number}", "method": "POST", "url": "/v1/chat/completions", "body": body, **changes}


def jsonl(*lines: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)
