"""Whoever reads `contract 1.5.5` or `platform 3.5` in the code finds that section in this repository."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.architecture.product import ROOT
from tests.docs.citations import PAGES, bare, cited, misspelt, names_in, told, tracked
from tests.docs.test_operations_guide import dead

TOLD = told("contract") | told("platform")
needs_git = pytest.mark.skipif(not tracked(), reason="not a git checkout")
CITING = [path for path in tracked() if path != Path(__file__)]  # whose samples are wrong on purpose
# Written so that no pattern matches itself.
ELSEWHERE = re.compile(
    r"wire[-]contract|azure[-]platform|azure[-]host-runs|infra[-]portal|admin[-]api|shared/referen[c]e"
)


@needs_git
def test_every_citation_leads_to_a_section() -> None:
    """In code, tests, documents, benchmarks and templates. Mend the number, or write the section."""
    found = [(path, name) for path in CITING for name in cited(path.read_text())]

    assert len(found) > 300
    assert [f"{path.relative_to(ROOT)}: {name}" for path, name in found if name not in TOLD] == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("see contract 1.5.99", ["contract 1.5.99"]),
        ("(contract 9.1 no. 19, 9.7)", ["contract 9.1 no. 19", "contract 9.7"]),
        ("(contract\n    # 99.1)", ["contract 99.1"]),
        ("Platform 3.99 and 9.", ["platform 3.99", "platform 9"]),
    ],
)
def test_a_made_up_number_would_be_found(text: str, names: list[str]) -> None:
    """In lists, over the end of a line, and as an entry of a section."""
    assert list(cited(text)) == names
    assert not TOLD & set(names)


def test_citations_say_of_which_page() -> None:
    """No comment or docstring has the number alone, in brackets or in front."""
    numbers = {name.partition(" ")[2] for name in TOLD}
    python = [path for path in CITING if path.suffix == ".py"]
    found = [f"{path.relative_to(ROOT)}: {number}" for path in python for number in bare(path.read_text())]

    assert [line for line in found if line.partition(": ")[2] in numbers] == []


@pytest.mark.parametrize(
    "source", ['"""As OpenAI (1.6)."""', '"""1.5.5: both."""', "x = 1  # Literal of 3.3", '"""Trap 3.8."""']
)
def test_a_bare_number_would_be_found(source: str) -> None:
    """In brackets, in front, and after a word that announces it."""
    assert len(list(bare(source))) == 1


def test_citations_have_one_spelling() -> None:
    """`contract 3.3, 3.4`, `contract 1.5.5 to 1.5.7`, `contract 9.1 no. 14`."""
    found = [f"{path.relative_to(ROOT)}: {text}" for path in CITING for text in misspelt(path.read_text())]

    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "contract, 1.6",
        "contract §1.6",
        "contract section 1.6",
        "contract1.6",
        "contract 3.1-3.4",
        "contract 1.7; 9.1",
        "contract 9.1, no. 14",
    ],
)
def test_another_spelling_would_be_found(text: str) -> None:
    """Whatever people write in its place."""
    assert misspelt(text)


def test_nothing_points_outside() -> None:
    """No file names the notes from which these pages were written: nobody who picks this repository up has them."""
    found = [path.relative_to(ROOT).as_posix() for path in CITING if ELSEWHERE.search(path.read_text())]

    assert found == []


@pytest.mark.parametrize("page", PAGES)
def test_a_number_is_one_section(page: str) -> None:
    """No two headings of a page have the same number."""
    names = Counter(name for path in PAGES[page] for name in names_in(path.read_text()))

    assert [name for name, count in names.items() if count > 1] == []


def test_the_index_names_every_section() -> None:
    """Those of the routes, 1.5.1 and on, by their range."""
    index = PAGES["contract"][0].read_text()
    sections = [name for path in PAGES["contract"] for name in names_in(path.read_text()) if "no." not in name]

    assert [name for name in sections if name.count(".") < 2 and not re.search(rf"\b{re.escape(name)} ", index)] == []


@pytest.mark.parametrize("path", [path for paths in PAGES.values() for path in paths], ids=lambda path: path.name)
def test_links_of_the_pages_lead_somewhere(path) -> None:
    """Every link is to a file and a heading that are there."""
    links = set(re.findall(r"\]\(([^)\s]+)\)", path.read_text()))

    assert [link for link in links if not link.startswith("https://") and dead(link, path)] == []


@pytest.mark.parametrize("path", PAGES["contract"], ids=lambda path: path.name)
def test_sections_that_name_sections_are_right(path) -> None:
    """Within the contract a number in brackets is a section of it."""
    named = {
        number
        for inside in re.findall(r"\(((?:\d\.\d+(?:\.\d+)?)(?:, \d+(?:\.\d+)*)*)\)", path.read_text())
        for number in inside.split(", ")
    }

    assert {f"contract {number}" for number in named} <= TOLD
