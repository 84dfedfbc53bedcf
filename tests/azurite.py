"""Azurite, the storage emulator, for the length of a with-block: in memory, on ports that it finds itself."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRAM = ROOT / "node_modules/.bin/azurite"
START_SECONDS = 60.0
_LISTENS = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at https?://\S+:(\d+)")
# The account of every Azurite; documented, opens nothing else.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@contextmanager
def running(log: Path, *options: str, scheme: str = "http", access_log: bool = False) -> Iterator[str]:
    """Yields the connection string; what Azurite says goes to `log`, with `access_log` every request as well.

    It ends with this process, however that ends.
    """
    flags = [
        *([] if access_log else ["--silent"]),
        "--inMemoryPersistence",
        "--extentMemoryLimit",
        "1024",
        "--skipApiVersionCheck",
    ]
    ports = ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"]  # It takes free ones, and says which.
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
        blob, queue, table = _ports(leash, log)
        yield (
            f"DefaultEndpointsProtocol={scheme};AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint={scheme}://127.0.0.1:{blob}/{ACCOUNT};TableEndpoint={scheme}://127.0.0.1:{table}/{ACCOUNT};"
            f"QueueEndpoint={scheme}://127.0.0.1:{queue}/{ACCOUNT}"
        )


def _ports(leash: subprocess.Popen[bytes], log: Path) -> tuple[str, str, str]:
    """Of blobs, queues and tables, once it listens on all of them."""
    deadline = time.monotonic() + START_SECONDS
    while leash.poll() is None and time.monotonic() < deadline:
        found = dict(_LISTENS.findall(log.read_text(errors="replace")))
        if len(found) == 3:
            return found["Blob"], found["Queue"], found["Table"]
        time.sleep(0.05)
    raise RuntimeError(f"Azurite did not start; it said: {log.read_text(errors='replace') or 'nothing'}")
