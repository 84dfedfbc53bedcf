"""The real compiler on the templates, and the snapshots it makes of the parameter files: what Azure would be asked for.

`python -m tests.infra.compiler` writes the snapshots anew; they are committed, and read in a review like code.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from tests.infra.bicep_tree import INFRA, ROOT, parameter_files

MISSING = "the Bicep compiler is not on the PATH: run `az bicep install`, or put `bicep` there"
_NOBODY = "00000000-0000-0000-0000-000000000000"
_PLACE = ("--subscription-id", _NOBODY, "--tenant-id", _NOBODY, "--location", "swedencentral")


def find() -> str | None:
    """`bicep`, or the one that `az bicep install` fetched: the Azure CLI itself knows no snapshots."""
    return shutil.which("bicep", path=os.pathsep.join([os.environ["PATH"], str(Path.home() / ".azure/bin")]))


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """One call, with no settings of ours in the environment but `settings`."""
    program = find()
    assert program, MISSING
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("BATCH_", "AZURE_"))}
    environment |= {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", **settings}
    return subprocess.run([program, *arguments], check=False, capture_output=True, text=True, env=environment)


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What the compiler found wrong. Its own warnings (BCP…) leave the exit code at 0, so each line counts."""
    return [line for line in done.stderr.splitlines() if line.strip()]


def snapshot(file: Path, mode: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return run("snapshot", str(file), "--mode", mode, *_PLACE, **settings)


def snapshot_of(file: Path) -> Path:
    return file.with_suffix(".snapshot.json")


@cache
def resources(file: Path) -> list[dict[str, Any]]:
    """What the parameter file deploys, from its committed snapshot."""
    found: list[dict[str, Any]] = json.loads(snapshot_of(file).read_text())["predictedResources"]
    return found


def copy_of_infra(folder: Path) -> Path:
    """The templates and all they read, to plant mistakes in."""
    shutil.copytree(INFRA, folder / "infra")
    shutil.copytree(ROOT / "docs/operations", folder / "docs/operations")
    return folder / "infra"


def write() -> None:
    """The snapshots, with outputs in a fixed order: the compiler has none."""
    for path in parameter_files():
        done = snapshot(path, "overwrite")
        if done.returncode:
            raise SystemExit(done.stderr)
        made = json.loads(snapshot_of(path).read_text())
        made["outputs"] = dict(sorted(made["outputs"].items()))
        snapshot_of(path).write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write()
