"""The deployment package: tracked files that `.funcignore` leaves in, as one zip.

The same files give the same bytes: names are sorted, times fixed, rights the same for all. Standard library only, so
that a build machine needs nothing installed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
IGNORED = ".funcignore"
HOST = "host.json"
NO_TIME = (1980, 1, 1, 0, 0, 0)  # The earliest that a zip can say.
READABLE = 0o100644 << 16


class CannotPackage(Exception):
    """Says what is wrong and what to do."""


def packaged_files(root: Path) -> list[str]:
    """Tracked files that `.funcignore` leaves in, sorted. git itself reads the patterns: their syntax is its own."""
    tracked = _git_files(root, "--cached")
    ignored = _git_files(root, "--cached", "--ignored", f"--exclude-from={IGNORED}")
    return sorted(tracked - ignored)


def changed_files(root: Path, names: Sequence[str]) -> list[str]:
    """Those of the packaged files that differ from the commit."""
    return sorted(_git(root, "diff", "--name-only", "-z", "HEAD", "--", *names))


def untracked_files(root: Path) -> list[str]:
    """Files that would be packaged if they were tracked: probably a `git add` is missing."""
    return sorted(_git_files(root, "--others", "--exclude-standard", f"--exclude-from={IGNORED}"))


def _git_files(root: Path, *options: str) -> set[str]:
    return set(_git(root, "ls-files", "-z", *options))


def _git(root: Path, *command: str) -> list[str]:
    try:
        done = subprocess.run(["git", *command], check=False, cwd=root, capture_output=True, text=True)
    except FileNotFoundError:
        raise CannotPackage(
            "git is needed to tell which files are the app's. Install it, then run this again."
        ) from None
    if done.returncode:
        raise CannotPackage(f"git says: {done.stderr.strip()}\nRun this in a git checkout of the repository.")
    return [name for name in done.stdout.split("\0") if name]


def read_host(path: Path) -> bytes:
    """The bytes of a host.json, once it is known to be one."""
    try:
        data = path.read_bytes()
        host = json.loads(data)
    except OSError as error:
        raise CannotPackage(f"{path} cannot be read ({error.strerror}). Name a file such as host.json.") from None
    except ValueError as error:
        raise CannotPackage(f"{path} is not JSON: {error}.") from None
    if not isinstance(host, dict) or "durableTask" not in host.get("extensions", {}):
        raise CannotPackage(f"{path} has no extensions.durableTask. Start from a copy of host.json.")
    return data


def build(root: Path, names: Sequence[str], host: bytes, output: Path) -> None:
    """Write the zip; `host` takes the place of host.json. It appears whole or not at all."""
    if missing := [name for name in names if not (root / name).is_file()]:
        raise CannotPackage(f"Tracked, but not there: {', '.join(missing)}. Restore them or commit their removal.")
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f"{output.name}.partial")
    with zipfile.ZipFile(partial, "w") as package:
        for name in names:
            entry = zipfile.ZipInfo(name, NO_TIME)
            entry.create_system, entry.external_attr = 3, READABLE  # 3: Unix, whatever built it
            data = host if name == HOST else (root / name).read_bytes()
            package.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    partial.replace(output)


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/package", description="Builds the zip that is deployed to Azure.")
    parser.add_argument("--output", type=Path, default=Path("dist/durable-batch.zip"), help="default: %(default)s")
    parser.add_argument(
        "--host",
        type=Path,
        default=Path(HOST),
        help="the file that becomes host.json; host.dts.json for the Durable Task Scheduler. Default: %(default)s",
    )
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    arguments = _arguments(given)
    try:
        names = packaged_files(ROOT)
        build(ROOT, names, read_host(ROOT / arguments.host), ROOT / arguments.output)
        changed, untracked = changed_files(ROOT, names), untracked_files(ROOT)
    except CannotPackage as error:
        print(error, file=sys.stderr)
        return 1
    size = (ROOT / arguments.output).stat().st_size
    print(f"{arguments.output}: {len(names)} files, {size / 1024:,.0f} KiB, {HOST} from {arguments.host}.")
    if changed:
        print(f"Not committed, and in the package: {', '.join(changed)}")
    if untracked:
        print(f"Not tracked, so not in the package (git add what belongs there): {', '.join(untracked)}")
    print("Azure installs requirements.txt when it gets the package. Next:")
    print("  az functionapp deployment source config-zip --resource-group GROUP --name APP \\")
    print(f"      --src {arguments.output} --build-remote true")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
