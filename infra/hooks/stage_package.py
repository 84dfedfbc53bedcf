"""Puts the files to deploy into dist/app, where azure.yaml has azd look. Standard library only."""

# ruff: noqa: INP001  (a script that azd runs, no package)
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOST_FILES = {"storage": "host.json", "scheduler": "host.dts.json"}


def host_file(environment: Mapping[str, str]) -> str:
    """The file that becomes host.json. Raises SystemExit, with what to do, where the backend is none."""
    backend = environment.get("BATCH_DURABLE_BACKEND") or "storage"
    if backend not in HOST_FILES:
        raise SystemExit(f"BATCH_DURABLE_BACKEND is {backend!r}: set it to storage or scheduler with `azd env set`.")
    return HOST_FILES[backend]


def stage(package: Path, folder: Path) -> None:
    """Unpack `package` into `folder`, from which everything else goes."""
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(package) as files:
        files.extractall(folder)


def main() -> int:
    package = Path("dist/durable-batch.zip")
    command = [sys.executable, "scripts/lib/package.py", "--host", host_file(os.environ), "--output", str(package)]
    done = subprocess.run(command, check=False, cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603
    if done.returncode == 0:
        stage(ROOT / package, ROOT / "dist/app")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
