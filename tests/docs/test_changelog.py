"""The changelog by version, and the one place that the version is written in."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from typing import NamedTuple

import pytest

from shared.version import VERSION
from tests.architecture.product import ROOT

UNRELEASED = "## [Unreleased]"
RELEASE = re.compile(r"## \[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)", re.ASCII)


class Release(NamedTuple):
    """One version of the changelog."""

    number: tuple[int, int, int]
    day: date


def headings() -> list[str]:
    return re.findall(r"^## .*$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def releases() -> list[Release]:
    found = [RELEASE.fullmatch(heading) for heading in headings() if heading != UNRELEASED]
    numbers = [match and tuple(int(part) for part in match.groups()[:3]) for match in found]
    return [
        Release(number, date.fromisoformat(match[4])) for number, match in zip(numbers, found, strict=True) if match
    ]


def can_follow(new: tuple[int, int, int], old: tuple[int, int, int]) -> bool:
    """Whether `new` is one step after `old` (Semantic Versioning)."""
    major, minor, patch = old
    return new in {(major, minor, patch + 1), (major, minor + 1, 0), (major + 1, 0, 0)}


def test_the_newest_version_is_the_one_that_runs() -> None:
    """Who makes a version writes both."""
    assert ".".join(map(str, releases()[0].number)) == VERSION


def test_every_section_is_a_version_or_what_is_not_released() -> None:
    """What is to come stands first, and once; a version has its day."""
    assert headings()[0] == UNRELEASED
    assert len(releases()) == len(headings()) - 1


def test_versions_go_up_step_by_step() -> None:
    """And time does not go back."""
    newer, older = releases()[:-1], releases()[1:]

    assert [one for one, other in zip(newer, older, strict=True) if not can_follow(one.number, other.number)] == []
    assert [one for one, other in zip(newer, older, strict=True) if one.day < other.day] == []


@pytest.mark.parametrize(
    ("new", "fits"), [((0, 3, 1), True), ((0, 4, 0), True), ((0, 4, 1), False), ((0, 3, 0), False)]
)
def test_a_step_is_told_from_a_leap(new: tuple[int, int, int], fits: bool) -> None:
    """After 0.3.0."""
    assert can_follow(new, (0, 3, 0)) is fits


def test_the_project_takes_its_version_from_there() -> None:
    """pyproject.toml names the place and no number."""
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert "version" not in written["project"]
    assert written["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "shared.version.VERSION"}
