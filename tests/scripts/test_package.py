"""`scripts/package`: what is in the zip, and that all programs that read `.funcignore` pack the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from pathspec import GitIgnoreSpec

from scripts.lib.package import CannotPackage, build, packaged_files, read_host, untracked_files
from tests.architecture.product import ROOT
from tests.scripts.core_tools_ignore import denies
from tests.scripts.imported_files import imported_files

IGNORED = (ROOT / ".funcignore").read_text()
# What people and programs leave in a working folder; none of it may ever be packed.
LITTER = (
    ".azure/env/.env", ".data/records.sqlite3", ".env", ".git/config", ".github/workflows/checks.yml", ".venv/bin/python",
    "__azurite_db_blob__.json", "__blobstorage__/one", "__pycache__/function_app.cpython-312.pyc", "__queuestorage__/one",
    "api/__pycache__/files.cpython-312.pyc", "shared/domain/__pycache__/ids.cpython-312.pyc", "dist/durable-batch.zip",
    "build/lib/dbatch/exits.py", "durable_batch.egg-info/PKG-INFO", "dbatch/exits.py",
    "infra/main.bicep", "infra/modules/alerts.bicep", "host.dts.json", "azure.yaml", "local.settings.json",
    "node_modules/azurite/package.json", "tests/e2e/test_flows.py", "docs/operations/errors.kql", "scripts/lib/package.py",
)  # fmt: skip


@pytest.fixture(scope="module")
def packaged() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    return sorted([*packaged_files(ROOT), *untracked_files(ROOT)])  # On a developer's machine: what `git add` is due.


@pytest.fixture(scope="module")
def everything() -> list[str]:
    """Every file of the repository, packaged or not."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    return [name for name in listed.stdout.split("\0") if name]


def _git(folder: Path, *command: str) -> None:
    names = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", *command], check=True, cwd=folder, env={**os.environ, **names}, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout of its own with two product files, a test, and the real `.funcignore` and script."""
    root = tmp_path / "checkout"
    for name in ("function_app.py", "api/files.py", "tests/test_files.py", "requirements.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"# {name}\n")
    for name in (".funcignore", ".gitignore", "host.json", "scripts/package", "scripts/lib/package.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    shutil.copy(ROOT / "scripts/lib/environment.sh", root / "scripts/lib")
    _git(root, "init", "-q")
    _git(root, "add", ".")
    _git(root, "commit", "-qm", "Begin")
    return root


def _run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["scripts/package", *arguments], check=False, cwd=root, capture_output=True, text=True, timeout=60
    )


def test_the_package_is_what_the_app_imports(packaged: list[str]) -> None:
    """In the package are host.json, requirements.txt, the page and each file that function_app.py can load; nothing else."""
    page = {name for name in packaged if name.startswith("page/")}
    needed = {"host.json", "requirements.txt", *page, *imported_files(ROOT, "function_app.py")}

    assert "page/index.html" in page
    assert {
        "packed without need": set(packaged_files(ROOT)) - needed,
        "needed and not packed": needed - set(packaged),
    } == {
        "packed without need": set(),
        "needed and not packed": set(),
    }


def test_azd_packs_the_same(packaged: list[str], everything: list[str]) -> None:
    """azd, which reads `.funcignore` as gitignore syntax, would pack the same files."""
    spec = GitIgnoreSpec.from_lines(IGNORED.splitlines())

    assert packaged == sorted(name for name in everything if not spec.match_file(name))


def test_core_tools_pack_the_same(packaged: list[str], everything: list[str]) -> None:
    """`func azure functionapp publish`, with its own reading of the patterns, would pack the same files."""

    assert packaged == sorted(name for name in everything if not denies(IGNORED, name))


@pytest.mark.parametrize("name", LITTER)
def test_litter_stays_out(name: str) -> None:
    """What lies about in a working folder is packed neither by azd nor by Core Tools, which take untracked files too."""
    assert GitIgnoreSpec.from_lines(IGNORED.splitlines()).match_file(name)
    assert denies(IGNORED, name)


@pytest.mark.parametrize(
    ("patterns", "path", "denied"),
    [
        ("*.pyc", "a.pyc", True),
        ("*.pyc", "api/a.pyc", False),
        ("**/*.pyc", "api/a.pyc", True),
        ("bench/", "bench/one.py", True),
        ("bench/", "api/bench/one.py", False),
        ("host", "host.json", True),
        ("*.md\n!a.md", "a.md", False),
        ("# a.md", "a.md", False),
    ],
)
def test_core_tools_reading(patterns: str, path: str, denied: bool) -> None:
    """The reading by Core Tools: a prefix of the path, `*` within the first folder only."""
    assert denies(patterns, path) is denied


def test_two_builds_are_equal(repository: Path) -> None:
    """The same files give the same bytes, whenever and with whatever rights they were written."""
    assert _run(repository, "--output", "one.zip").returncode == 0
    os.utime(repository / "function_app.py", (10**9, 10**9))
    (repository / "function_app.py").chmod(0o700)
    assert _run(repository, "--output", "two.zip").returncode == 0

    assert (repository / "one.zip").read_bytes() == (repository / "two.zip").read_bytes()


def test_the_zip_holds_the_app_at_its_top(repository: Path) -> None:
    """Names are relative, sorted, without folders' entries; every file can be read by all."""
    run = _run(repository)

    with zipfile.ZipFile(repository / "dist/durable-batch.zip") as package:
        entries = package.infolist()
    assert [entry.filename for entry in entries] == ["api/files.py", "function_app.py", "host.json", "requirements.txt"]
    assert {entry.external_attr >> 16 & 0o777 for entry in entries} == {0o644}
    assert run.stdout.startswith("dist/durable-batch.zip: 4 files, ")
    assert "az functionapp deployment source config-zip" in run.stdout


def test_another_host_becomes_host_json(repository: Path) -> None:
    """`--host FILE` is packed under the name host.json, the only one the platform reads."""
    other = {"version": "2.0", "extensions": {"durableTask": {"hubName": "other"}}}
    (repository / "host.dts.json").write_text(json.dumps(other))

    run = _run(repository, "--host", "host.dts.json")

    with zipfile.ZipFile(repository / "dist/durable-batch.zip") as package:
        assert json.loads(package.read("host.json")) == other
        assert "host.dts.json" not in package.namelist()
    assert "host.json from host.dts.json" in run.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "cannot be read"), ("{", "is not JSON"), ('{"version": "2.0"}', "no extensions.durableTask")],
)
def test_a_wrong_host_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    """A file that cannot be a host.json is not packed: the app would start and run no batch."""
    if text is not None:
        (tmp_path / "host.json").write_text(text)

    with pytest.raises(CannotPackage, match=said):
        read_host(tmp_path / "host.json")


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    """A tracked file that is missing stops the build and leaves an older package as it was."""
    (tmp_path / "app.zip").write_text("older")

    with pytest.raises(CannotPackage, match=r"Tracked, but not there: api/files\.py"):
        build(tmp_path, ["api/files.py"], b"{}", tmp_path / "app.zip")

    assert (tmp_path / "app.zip").read_text() == "older"


def test_what_is_not_committed_is_told(repository: Path) -> None:
    """Changed files are packed as they are, new ones are not packed; both are named."""
    (repository / "api/files.py").write_text("# changed\n")
    (repository / "api/new.py").write_text("# new\n")
    (repository / "tests/test_new.py").write_text("# new\n")

    said = _run(repository).stdout

    assert "Not committed, and in the package: api/files.py\n" in said
    assert "Not tracked, so not in the package (git add what belongs there): api/new.py\n" in said


def test_outside_a_checkout_it_says_so(tmp_path: Path) -> None:
    """Without git's list of files there is no package, and the message says what is needed."""
    (tmp_path / ".funcignore").write_text("")

    with pytest.raises(CannotPackage, match="Run this in a git checkout"):
        packaged_files(tmp_path)
