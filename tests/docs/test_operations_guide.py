"""docs/operations.md names what exists, has a place for every alert, and its costs are those of the program."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from api.mounts import MOUNTS
from bench.cost import Load, calls
from shared.domain.deployments.deployment import Deployment
from shared.settings import Settings
from shared.telemetry.actions import ACTIONS
from tests.architecture.product import ROOT

GUIDE = ROOT / "docs/operations.md"
TEXT = GUIDE.read_text()
QUOTED = set(re.findall(r"`([^`\n]+)`", TEXT))
LINKS = sorted(set(re.findall(r"\]\(([^)\s]+)\)", TEXT)))
PATH = re.compile(r"(?<![\w/.-])(?:scripts|docs|infra|tests|bench|\.ci)/[\w./-]*\w")


def anchors(text: str) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead(link: str, guide: Path = GUIDE) -> bool:
    path, _, anchor = link.partition("#")
    target = (guide.parent / path).resolve() if path else guide
    return not target.exists() or bool(anchor and anchor not in anchors(target.read_text()))


def known_words() -> set[str]:
    """Every word of the templates, the host's settings and the product: what a camelCase name can come from."""
    files = [*ROOT.glob("infra/**/*.bicep"), *ROOT.glob("host*.json"), ROOT / "function_app.py"]
    files += [path for folder in ("api", "shared", "timers") for path in (ROOT / folder).rglob("*.py")]
    return {word for path in files for word in re.findall(r"\w+", path.read_text())}


@pytest.mark.parametrize("link", LINKS)
def test_links_lead_somewhere(link: str) -> None:
    """Every link is to a file and a heading that are there."""
    assert link.startswith("https://") or not dead(link)


@pytest.mark.parametrize("link", ["none.md", "api.md#none", "#none"])
def test_a_dead_link_would_be_found(link: str) -> None:
    """A missing file and a missing heading are both found."""
    assert dead(link)


def test_named_files_exist() -> None:
    """Every script, query, template and test that the guide names is in the repository."""
    named = set(PATH.findall(TEXT))

    assert "scripts/package" in named
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_named_settings_exist() -> None:
    """Every BATCH_ setting is one of the service."""
    named = {word for quoted in QUOTED for word in re.findall(r"\bBATCH_\w+", quoted)}
    known = {item.metadata["name"] for item in fields(Settings) if "name" in item.metadata}

    assert "BATCH_LANES" in named
    assert named - known == set()


def test_parameters_and_options_exist() -> None:
    """Every parameter of the templates and every option of host.json is spelt as it is there."""
    named = {quoted for quoted in QUOTED if re.fullmatch(r"[a-z]+([A-Z][a-zA-Z]*)+", quoted)}

    assert {"instanceMemoryMB", "partitionCount"} <= named
    assert named - known_words() == set()


def test_names_with_underscores_exist() -> None:
    """Timers, log actions, keys of deployments and fields of the API are the code's."""
    named = {quoted for quoted in QUOTED if re.fullmatch(r"[a-z]+(_[a-z]+)+", quoted)}
    known = {*ACTIONS, *Deployment.__struct_fields__} | known_words()

    assert "tend_batches" in named
    assert named - known == set()


@pytest.mark.parametrize("call", sorted(quoted for quoted in QUOTED if re.match(r"(GET|POST|DELETE) /", quoted)))
def test_named_routes_exist(call: str) -> None:
    """Every call is one of a route in api/mounts.py."""
    method, path = call.split()
    served = [route for mount in MOUNTS for route in mount.all_routes]
    routes = {(route.method, re.sub(r"{\w+}", "{id}", route.path)) for route in served}

    assert (method, path.removeprefix("/v1/")) in routes


def test_every_alert_has_its_place() -> None:
    """The anchor that an alert's description gives is a heading of the guide; alerts.md has no other."""
    bicep = (ROOT / "infra/modules/alerts.bicep").read_text()
    names = {f"alert-{name}" for name in re.findall(r"^    name: '([a-z-]+)'$", bicep, flags=re.MULTILINE)}
    written = set(re.findall(r"operations\.md#(alert-[a-z-]+)", bicep))
    listed = set(re.findall(r"`operations\.md#([\w-]+)`", (ROOT / "docs/operations/alerts.md").read_text()))

    assert len(listed) == 13
    assert names | written == listed
    assert {heading for heading in anchors(TEXT) if heading.startswith("alert-")} == listed


def _tables(text: str) -> list[str]:
    """Markdown tables, however wide their columns are set."""
    found = re.findall(r"(?:^\|.*\|$\n?)+", text, flags=re.MULTILINE)
    return [re.sub(r" *\| *", "|", re.sub(r"-+:", "-:", table)).strip() for table in found]


@pytest.mark.parametrize(("program", "tables"), [("bench.cost", 3), ("bench.rest", 1)])
def test_the_costs_are_the_program_s(program: str, tables: int) -> None:
    """The tables of fees are what the program prints; paste them from there."""
    command = [sys.executable, "-m", program]
    printed = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True, timeout=60).stdout

    assert len(_tables(printed)) == tables
    assert [table for table in _tables(printed) if table not in _tables(TEXT)] == []


COUNTED = re.findall(
    r"^\| ([\d,]+) \| ([\d.]+) \| (\d+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", TEXT, flags=re.MULTILINE
)


@pytest.mark.parametrize("row", COUNTED, ids=lambda row: f"{row[0]}-{row[1]}")
def test_the_model_agrees_with_what_was_counted(row: tuple[str, ...]) -> None:
    """Blob calls, which are what costs, are computed to within a fifth of what was counted, or 30 of a small number."""
    lines, answer, ran, writes, reads, _ = (float(cell.replace(",", "")) for cell in row)
    computed = calls(Load(lines=int(lines), answer_seconds=max(answer, ran * 64 / lines), journal_seconds=1))

    assert computed.blob_writes == pytest.approx(writes, rel=0.2, abs=30)
    assert computed.blob_reads == pytest.approx(reads, rel=0.2, abs=60)


def test_loads_were_counted() -> None:
    """The table of counted calls is found by the test above."""
    assert len(COUNTED) == 4
