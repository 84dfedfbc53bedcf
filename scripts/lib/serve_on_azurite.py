"""`scripts/serve --azurite`: starts Azurite on free ports, keeps its data in the service's folder, becomes the service.

Azurite's leash is held by an open descriptor that the service inherits, so Azurite ends when the service does.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import leash

HOST = "127.0.0.1"
ACCOUNT = "devstoreaccount1"
# Azurite's account key is the same for everyone and documented; it opens nothing but the emulator.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
START_SECONDS = 60.0
PORTS = ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"]  # It takes free ones, and says which.
_LISTENS = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at https?://\S+:(\d+)")


def start_azurite(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The leash of an Azurite that keeps its data in `folder`, and its connection string. Exits if it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    flags = ["--skipApiVersionCheck", "--disableTelemetry", "--silent", "--location", str(folder)]
    log = folder / "azurite.log"
    azurite = leash.start(["node_modules/.bin/azurite", *flags, *PORTS], log=log)
    return azurite, connection_string(*ports_of(azurite, log))


def connection_string(blob_port: int, queue_port: int, table_port: int) -> str:
    return ";".join(
        (
            "DefaultEndpointsProtocol=http",
            f"AccountName={ACCOUNT}",
            f"AccountKey={ACCOUNT_KEY}",
            f"BlobEndpoint=http://{HOST}:{blob_port}/{ACCOUNT}",
            f"QueueEndpoint=http://{HOST}:{queue_port}/{ACCOUNT}",
            f"TableEndpoint=http://{HOST}:{table_port}/{ACCOUNT}",
        )
    )


def ports_of(azurite: subprocess.Popen[bytes], log: Path) -> tuple[int, int, int]:
    """Of blobs, queues and tables, as Azurite says them when it listens on all three."""
    deadline = time.monotonic() + START_SECONDS
    while azurite.poll() is None and time.monotonic() < deadline:
        found = dict(_LISTENS.findall(log.read_text(errors="replace")))
        if len(found) == 3:
            return int(found["Blob"]), int(found["Queue"]), int(found["Table"])
        time.sleep(0.05)
    said = log.read_text(errors="replace").strip()
    raise SystemExit(f"Azurite did not start. Run `npm ci`, then try again. It said: {said or 'nothing'}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/serve", add_help=False)
    parser.add_argument("--azurite", action="store_true")
    parser.add_argument("--data", type=Path, default=Path(".data"))
    known, others = parser.parse_known_args()
    os.umask(0o077)  # Of Azurite, too: prompts and answers are kept in the folder.
    azurite, storage = start_azurite(known.data / "azurite")
    leash.keep_through_exec(azurite)
    service = ["-m", "local_host", "--data", str(known.data), "--azurite", storage, *others]
    os.execv(sys.executable, [sys.executable, *service])


if __name__ == "__main__":
    main()
