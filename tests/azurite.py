"""Azurite, the storage emulator, for the length of a with-block: in memory, on free ports of this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRAM = ROOT / "node_modules/.bin/azurite"
START_SECONDS = 60.0
# The account of every Azurite; documented, opens nothing else.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@contextmanager
def running(log: Path, *options: str, scheme: str = "http", access_log: bool = False) -> Iterator[str]:
    """Yields the connection string; what Azurite says goes to `log`, with `access_log` every request as well.

    It ends with this process, however that ends.
    """
    blob, queue, table = _free_ports(3)
    flags = [
        *([] if access_log else ["--silent"]),
        "--inMemoryPersistence",
        "--extentMemoryLimit",
        "1024",
        "--skipApiVersionCheck",
    ]
    ports = ["--blobPort", str(blob), "--queuePort", str(queue), "--tablePort", str(table)]
    command = [sys.executable, ROOT / "scripts/lib/leash.py", PROGRAM, *flags, "--disableTelemetry", *ports, *options]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # A signal to this process's group must not take the leash before Azurite.
        ) as leash,
    ):
        for port in (blob, table):
            _wait_for(port, leash, log)
        yield (
            f"DefaultEndpointsProtocol={scheme};AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint={scheme}://127.0.0.1:{blob}/{ACCOUNT};TableEndpoint={scheme}://127.0.0.1:{table}/{ACCOUNT};"
            f"QueueEndpoint={scheme}://127.0.0.1:{queue}/{ACCOUNT}"
        )


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _wait_for(port: int, leash: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while leash.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"Azurite did not start; it said: {log.read_text(errors='replace') or 'nothing'}")
