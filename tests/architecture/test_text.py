"""What the repository's text must not hold, and what its documentation must."""

from __future__ import annotations

import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from shared.settings import Settings
from tests.architecture.product import ROOT

# Written so that no pattern matches itself.
UNWANTED = {
    "path of one machine": r"(?<![\w./-])/(?:root|home/\w+|Users/\w+|work)/",
    "address of a package registry": r"registry[.]npmjs|files[.]pythonhosted|pypi[.]org|[.]pkg[.]dev|/simp[l]e/",
    "OpenAI key": r"sk-[A-Za-z0-9_-]{20}",
    "GitHub token": r"gh[pousr]_[A-Za-z0-9]{20}|github_pat_[A-Za-z0-9_]{20}",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KE[Y]",
    # Eby8 … is Azurite's, the same for everyone.
    "storage account key": r"(?:AccountKey|ACCOUNT_KEY)\W{1,5}(?!Eby8)[A-Za-z0-9+/]{40}",
    "service bus or web hook secret": r"SharedAccessKey=[A-Za-z0-9+/]{30}|whsec_[A-Za-z0-9+/]{24}",
}
TEXT_LIMIT = 2_000_000


def _tracked() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        return []
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("what", UNWANTED)
def test_no_file_holds(what: str) -> None:
    """No file of the repository holds a machine's path, a registry's address or anything like a secret."""
    files = _tracked()
    if not files:
        pytest.skip("not a git checkout")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        if path.stat().st_size < TEXT_LIMIT
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if re.search(UNWANTED[what], line)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("what", "sample"),
    [
        ("path of one machine", "see /ho" + "me/ann/notes"),
        ("address of a package registry", "https://py" + "pi.org/project"),
        ("OpenAI key", "sk" + "-" + "a1" * 12),
        ("storage account key", "Account" + "Key=" + "a" * 44),
    ],
)
def test_unwanted_text_would_be_found(what: str, sample: str) -> None:
    """The patterns find what they are for."""
    assert re.search(UNWANTED[what], sample)


def settings_rows() -> list[str]:
    """One Markdown table row for each setting of `shared/settings.py`."""
    rows = []
    for item in fields(Settings):
        if "name" in item.metadata:
            default = f"`{item.default}`" if item.default != "" else "none"
            meaning = item.metadata["doc"].replace("<", "&lt;")
            rows.append(f"| `{item.metadata['name']}` | {default} | {meaning} |")
    return rows


def test_every_setting_is_documented() -> None:
    """docs/settings.md has the row of every setting, word for word; paste the missing ones from this failure."""
    documented = (ROOT / "docs/settings.md").read_text().splitlines()

    assert [row for row in settings_rows() if row not in documented] == []


def test_no_setting_is_documented_that_is_none() -> None:
    """docs/settings.md has no row of a setting that does not exist."""
    rows = [line for line in (ROOT / "docs/settings.md").read_text().splitlines() if line.startswith("| `BATCH_")]

    assert [row for row in rows if row not in settings_rows()] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_named_scripts_exist(document: str) -> None:
    """Every script that the documents tell people to run is there and can be run."""
    named = set(re.findall(r"(?:scripts|\.ci)/[a-z_]+\b(?![/.])", (ROOT / document).read_text()))

    assert named
    assert [name for name in named if not (ROOT / name).stat().st_mode & 0o100] == []


def test_readme_is_short() -> None:
    """README.md can be read at one go: under 150 lines."""
    assert len((ROOT / "README.md").read_text().splitlines()) < 150
