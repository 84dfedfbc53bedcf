"""`python -m tests.azure_host.on_core_tools APP DATA PROBE`: any app's folder in Azure's own host, on Azurite.

It says `Listening on URL` once `URL/PROBE` answers. Needs scripts/lib on PYTHONPATH, and `func` on the PATH. What it
starts ends with it, however it ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import leash
from ports import take_port
from serve_on_azurite import start_azurite
from serve_on_core_tools import settings

START_SECONDS = 300.0


def main(app: Path, data: Path, probe: str) -> None:
    func = shutil.which("func")
    assert func is not None, "There is no `func` on the PATH: install Azure Functions Core Tools."
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = take_port()
    with ExitStack() as running:
        azurite, storage = start_azurite(data / "azurite")
        running.callback(leash.stop, azurite)
        os.chdir(app)
        command = [func, "start", "--python", "--port", str(port)]
        host = leash.start(
            command, log=data / "func.log", environment=settings(storage, {"BATCH_BOOTSTRAP_KEY": "key"}, os.environ)
        )
        running.callback(leash.stop, host)
        wait_for(f"http://127.0.0.1:{port}/{probe}", host, data / "func.log")
        print(f"Listening on http://127.0.0.1:{port}", flush=True)  # noqa: T201
        host.wait()


def wait_for(url: str, host: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and host.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"The host did not answer at {url}; it said:\n{log.read_text(errors='replace')[-3000:]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3])
