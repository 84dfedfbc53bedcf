"""What can be measured side by side: servers that speak the Batch API, and scripts that read a file and write another.

Rule of this file: every peer is asked the same through the same calls, `begin`, `finish`, `go_on`; what it cannot do
raises `Skipped` with the reason.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import openai

from bench.programs import ENDED, KEY, ROOT, Program, Service, chat_line, jsonl
from bench.throughput import cpu_seconds

ENVIRONMENTS = ROOT / ".bench"
PROGRAMS = ROOT / "bench" / "peer_programs"
INSTALL_SECONDS = 600.0
START_SECONDS = 90.0


class Skipped(Exception):
    """Why a peer, or a part of it, could not be measured."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One run of a file; CPU time of the peer's processes."""

    seconds: float
    cpu_seconds: float
    completed: int
    failed: int


class Peer(Protocol):
    """Start it, begin a file and finish it; or kill its program in between, start it again and let it go on."""

    name: str
    model: str
    program: Program

    def install(self) -> None: ...
    def start(self, folder: Path, upstream_url: str, concurrency: int) -> None: ...
    def begin(self, source: Path) -> None: ...
    def finish(self, seconds: float) -> Outcome: ...
    def go_on(self, seconds: float) -> str: ...
    def stop(self) -> None: ...


def install(name: str, requirement: str, python: str) -> str:
    """The interpreter of the environment `.bench/NAME` with the requirement installed. Raises Skipped."""
    folder = ENVIRONMENTS / name
    inside = str(folder / "bin" / "python")
    if not (folder / "ok").exists():
        print(f"Installing {requirement} into .bench/{name} (once, up to some minutes) ...", flush=True)
        try:
            subprocess.run([python, "-m", "venv", folder], check=True, capture_output=True, timeout=60)
            command = [inside, "-m", "pip", "install", "-qq", "--disable-pip-version-check", requirement]
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
        except FileNotFoundError:
            raise Skipped(f"there is no {python}") from None
        except subprocess.SubprocessError as error:
            raise Skipped(f"{requirement} could not be installed ({type(error).__name__})") from None
        (folder / "ok").touch()
    return inside


class Command(Program):
    """A program that is not one of ours: a script whose output is read at its end, or a server."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__([], folder / "peer.log", environment)
        self._command = command

    def start(self, seconds: float = 0.0) -> None:  # noqa: ARG002 it says nothing when it has started
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=self.log.parent,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )


class ScriptPeer:
    """`python PROGRAM INPUT OUTPUT BASE_URL CONCURRENCY`, which prints its figures at its end."""

    model = "m"

    def __init__(self, name: str, program: str, requirement: str | None = None) -> None:
        self.name = name
        self._file, self._requirement = PROGRAMS / program, requirement
        self._python = sys.executable

    def install(self) -> None:
        if self._requirement:
            self._python = install(self.name, self._requirement, sys.executable)

    def start(self, folder: Path, upstream_url: str, concurrency: int) -> None:
        """Only says what to do: a script begins with its file."""
        arguments = [str(folder / "input.jsonl"), str(folder / "output.jsonl"), upstream_url, str(concurrency)]
        self.program: Program = Command([self._python, str(self._file), *arguments], folder, {})

    def begin(self, source: Path) -> None:  # noqa: ARG002 it was named at the start
        self.program.start()

    def finish(self, seconds: float) -> Outcome:
        assert self.program.process is not None
        try:
            said = self.program.process.communicate(timeout=seconds)[0].decode()
        except subprocess.TimeoutExpired:
            raise Skipped(f"it had not ended after {seconds:.0f} s") from None
        if self.program.process.returncode:
            raise Skipped(f"it ended with an error: {self.program.log.read_text()[-300:]}")
        return Outcome(**json.loads(said.strip().splitlines()[-1]))

    def go_on(self, seconds: float) -> str:
        self.program.start()
        try:
            return f"started again: {self.finish(seconds).completed} done"
        except Skipped as reason:
            return str(reason)

    def stop(self) -> None:
        if self.program.process is not None:
            self.program.stop()


def request_lines(count: int, model: str) -> bytes:
    """Of about 500 bytes each."""
    lines = [chat_line(n, f"question {n} " + "x" * 400) for n in range(count)]
    for line in lines:
        line["body"]["model"] = model
    return jsonl(*lines)


Launch = Callable[[Path, str, int], Program]


class ServerPeer:
    """A server that speaks OpenAI's files and batches. `launch` makes its program, for a folder, upstream and bound."""

    def __init__(
        self, name: str, launch: Launch, requirement: str = "", python: str = sys.executable, model: str = "m"
    ) -> None:
        self.name, self.model = name, model
        self._launch, self._requirement, self._python = launch, requirement, python
        self._batch_id = ""

    def install(self) -> None:
        if self._requirement:
            install(self.name, self._requirement, self._python)

    def start(self, folder: Path, upstream_url: str, concurrency: int) -> None:
        """Started, and warm: one small batch has gone through, as scripts leave out their own start, too."""
        again = bool(self._batch_id)
        self.program = self._launch(folder, upstream_url, concurrency)
        self.program.start()
        self._client = openai.OpenAI(base_url=f"{self.program.url}/v1", api_key=KEY, max_retries=0)
        self._wait_until_up()
        if not again:
            warm = folder / "warm.jsonl"
            warm.write_bytes(request_lines(200, self.model))
            self.begin(warm)
            self.finish(60)

    def _wait_until_up(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with suppress(openai.OpenAIError):
                self._client.batches.list(limit=1)
                return
            time.sleep(0.2)
        raise Skipped(f"it did not start: {self.program.log.read_text()[-300:]}")

    def begin(self, source: Path) -> None:
        file = self._client.files.create(file=("input.jsonl", source.read_bytes()), purpose="batch")
        self._cpu, self._since = cpu_seconds(self.program), time.perf_counter()
        self._batch_id = self._client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        ).id

    def finish(self, seconds: float) -> Outcome:
        until = time.monotonic() + seconds
        while (batch := self._client.batches.retrieve(self._batch_id)).status not in ENDED:
            if time.monotonic() > until:
                counts = batch.request_counts
                raise Skipped(f"{batch.status} after {seconds:.0f} s, {counts.completed if counts else 0} done")
            time.sleep(0.1)
        counts = batch.request_counts
        return Outcome(
            seconds=time.perf_counter() - self._since,
            cpu_seconds=cpu_seconds(self.program) - self._cpu,
            completed=counts.completed if counts else 0,
            failed=counts.failed if counts else 0,
        )

    def go_on(self, seconds: float) -> str:
        try:
            return f"went on: {self.finish(seconds).completed} done"
        except (Skipped, openai.OpenAIError) as reason:
            return str(reason)

    def stop(self) -> None:
        self._batch_id = ""
        self.program.stop()


def known_peers() -> list[Peer]:
    """Ours and the plain script first: they need nothing that may be out of reach."""
    return [
        ServerPeer("durable-batch", _ours),
        ScriptPeer("plain script", "plain_script.py"),
        ScriptPeer("litellm", "litellm_executor.py", "litellm[proxy]==1.106.2"),
        ScriptPeer("curator", "curator.py", "bespokelabs-curator==0.1.31"),
        ServerPeer("aibrix", _aibrix, "aibrix==0.8.0"),
        ServerPeer("ogx", _ogx, "ogx==1.5.0", "python3.12", model="vllm/m"),
    ]


def _ours(folder: Path, upstream_url: str, concurrency: int) -> Program:
    return Service(folder, upstream_url, deployment={"max_concurrency": concurrency})


def _aibrix(folder: Path, upstream_url: str, concurrency: int) -> Program:  # noqa: ARG001 it finds its own, and does best so
    port = _free_port()
    python = str(ENVIRONMENTS / "aibrix" / "bin" / "python")
    command = [python, str(PROGRAMS / "aibrix_server.py"), str(port), upstream_url, str(folder)]
    return _at(port, Command(command, folder, {}))


def _ogx(folder: Path, upstream_url: str, concurrency: int) -> Program:
    port = _free_port()
    text = (PROGRAMS / "ogx.yaml").read_text()
    values = {"PORT": str(port), "UPSTREAM": upstream_url, "FOLDER": str(folder), "CONCURRENCY": str(concurrency)}
    for name, value in values.items():
        text = text.replace(name, value)
    (folder / "ogx.yaml").write_text(text)
    ogx = str(ENVIRONMENTS / "ogx" / "bin" / "ogx")
    command = [ogx, "run", str(folder / "ogx.yaml"), "--port", str(port), "--insecure"]
    return _at(port, Command(command, folder, {"OGX_LOGGING": "all=warning"}))


def _at(port: int, program: Program) -> Program:
    program.url = f"http://127.0.0.1:{port}"
    return program


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
