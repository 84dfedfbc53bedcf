"""Instances of the app in Azure's own host, on one storage, each a process that tests kill and start again.

Core Tools start one as well; signals to the host and its worker apart, and a second instance on one machine, are what
a test needs beyond them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.programs import KEY, ROOT, Service, service_environment
from tests import core_tools

PEPPERS = "1:pepper-of-the-tests-of-this-host"
START_SECONDS = 300.0
WEBHOOKS = "/runtime/webhooks/durabletask/instances"
_WORKERS = ("bridge.py", "azure_functions_worker", "proxy_worker")  # in the command line of a worker of any such host


class Instance(Service):
    """`func start` in the app's folder. `machine` is its machine's name: two instances of one hub need two."""

    def __init__(
        self,
        folder: Path,
        upstream_url: str,
        storage: str,
        *,
        machine: str = "",
        deployment: Mapping[str, Any] | None = None,
        **settings: str,
    ) -> None:
        self.port = core_tools.take_port()
        func = str(shutil.which("func"))
        start = [func, "start", "--python", "--port", str(self.port)]
        named = ["unshare", "-u", "sh", "-c", f'hostname {machine}; exec "$@"', "sh", *start]
        super().__init__(folder, upstream_url)
        self.command = named if machine else start
        self.log = folder / f"host{machine}.log"
        self.environment = _app_settings(storage) | service_environment(upstream_url, deployment, settings)

    def start(self, seconds: float = START_SECONDS) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.url = f"http://127.0.0.1:{self.port}"
        until = time.monotonic() + seconds
        while not self._answers():
            alive = self.process.poll() is None and time.monotonic() < until
            assert alive, self.log.read_text()[-3000:]
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=60).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def host(self) -> psutil.Process:
        assert self.process is not None
        return psutil.Process(self.process.pid)

    @property
    def worker(self) -> psutil.Process:
        """The Python process that runs the app. Waits for one: the host starts another a second after a death."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for child in self.host.children(recursive=True):
                if any(known in part for part in _command_of(child) for known in _WORKERS):
                    return child
            time.sleep(0.05)
        raise AssertionError("The host has no worker.")

    def kill_all(self) -> None:
        """Host and worker, as when the machine is lost."""
        worker = self.worker
        self.host.suspend()  # It must not start another.
        worker.kill()
        self.kill()

    def manage(self, act: str, instance_id: str, **params: str) -> httpx.Response:
        """What an operator presses: terminate, suspend, resume, rewind, restart; or `purge`."""
        http = httpx.Client(base_url=f"{self.url}{WEBHOOKS}", params={"code": "local"}, timeout=30)
        with http:
            if act == "purge":
                return http.delete(f"/{instance_id}")
            return http.post(f"/{instance_id}/{act}", params={"reason": "a test", **params})

    def status(self, instance_id: str) -> dict[str, Any]:
        params = {"code": "local", "showInput": "true"}
        found: dict[str, Any] = httpx.get(f"{self.url}{WEBHOOKS}/{instance_id}", params=params, timeout=30).json()
        return found

    def alive(self, prefix: str) -> list[str]:
        """Instances that have not ended and whose ids begin so."""
        params = {"code": "local", "instanceIdPrefix": prefix, "runtimeStatus": "Running,Pending"}
        found = httpx.get(f"{self.url}{WEBHOOKS}", params=params, timeout=30).raise_for_status().json()
        return [one["instanceId"] for one in found]


def _app_settings(storage: str) -> dict[str, str]:
    """What the launcher of Core Tools sets, for a storage that is there already."""
    sys.path.insert(0, core_tools.LAUNCHER_PATH["PYTHONPATH"])
    from serve_on_core_tools import settings

    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    own = {"BATCH_BOOTSTRAP_KEY": KEY, "BATCH_KEY_PEPPERS": PEPPERS}
    return settings(storage, own, environment) | {"AzureFunctionsWebHost__hostid": "durablebatch"}


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
