"""`scripts/serve --azurite`: starts Azurite on free ports, keeps its data in the service's folder, becomes the service.

Azurite's leash is held by an open descriptor that the service inherits, so Azurite ends when the service does.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import leash

HOST = "127.0.0.1"
ACCOUNT = "devstoreaccount1"
# Azurite's account key is the same for everyone and documented; it opens nothing but the emulator.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
START_SECONDS = 60.0


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on right now, all different."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def start_azurite(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The leash of an Azurite that keeps its data in `folder`, and its connection string. Exits if it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    blob, queue, table = free_ports(3)
    flags = ["--skipApiVersionCheck", "--disableTelemetry", "--silent", "--location", str(folder)]
    ports = ["--blobPort", str(blob), "--queuePort", str(queue), "--tablePort", str(table)]
    log = folder / "azurite.log"
    azurite = leash.start(["node_modules/.bin/azurite", *flags, *ports], log=log)
    wait_for((blob, queue, table), azurite, log)
    return azurite, connection_string(blob, queue, table)


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


def wait_for(ports: Sequence[int], azurite: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while azurite.poll() is None and time.monotonic() < deadline:
        if all(_answers(port) for port in ports):
            return
        time.sleep(0.1)
    said = log.read_text(errors="replace").strip()
    raise SystemExit(f"Azurite did not start. Run `npm ci`, then try again. It said: {said or 'nothing'}")


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


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
