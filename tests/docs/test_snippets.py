"""What the first pages tell people to type works, against a live service and a mock upstream."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai.types import Batch

from bench.programs import KEY, Mock, Program, chat_line, jsonl
from tests.architecture.product import ROOT, sources
from tests.docs.snippets import Snippet, run, snippets
from tests.docs.test_operations_guide import dead

PAGES = ("README.md", "docs/quickstart.md")
SHELL = "docs/command-line.md"
# The page that every extension is on: its first blocks are run, the rest are pieces of programs.
LIFE = "docs/api.md"
QUESTIONS = "id,text\n1,too late\n2,very good\n3,broken\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("service")
    mock = Mock(folder)
    mock.start()
    upstream = {"base_url": f"{mock.url}/v1", "price": {"input": 0.1, "output": 0.5}}
    deployments = json.dumps(dict.fromkeys(("gpt-6-luna", "qwen3-8b"), upstream))
    program = Program(
        ["local_host", "--port", "0", "--data", str(folder / "data")],
        folder / "host.log",
        {"BATCH_BOOTSTRAP_KEY": KEY, "BATCH_DEPLOYMENTS": deployments},
    )
    program.start()
    yield program
    program.stop()
    mock.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a reader stands: with the data that the pages speak of."""
    (tmp_path / "questions.csv").write_text(QUESTIONS)
    return tmp_path


def test_the_program_of_the_readme_answers_two_questions(service: Program, folder: Path) -> None:
    """As it stands but for address and key."""
    done = run(ROOT / "README.md", folder, service.url, KEY)

    assert done.returncode == 0, done.stderr
    assert "completed BatchRequestCounts(completed=2" in done.stdout
    assert "Why is the sky blue? -> echo: Why is the sky blue?" in done.stdout
    assert (folder / "answers.csv").read_text().splitlines()[1] == "1,too late,echo: Classify: too late,"


def test_the_quickstart_puts_answers_beside_questions(service: Program, folder: Path) -> None:
    """After a validation that finds nothing wrong; and a notebook of Azure OpenAI makes a batch."""
    done = run(ROOT / "docs/quickstart.md", folder, service.url, KEY)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("True None 3 ")
    assert "completed BatchRequestCounts(completed=3" in done.stdout
    assert done.stdout.splitlines()[-1] in {"validating", "in_progress", "finalizing", "completed"}
    assert (folder / "answers.csv").read_text().splitlines() == [
        "id,text,answer",
        "1,too late,echo: Classify: too late",
        "2,very good,echo: Classify: very good",
        "3,broken,echo: Classify: broken",
    ]


def test_the_command_line_does_what_its_page_says(service: Program, folder: Path) -> None:
    """From a table to a table, from a file to its results, and a team with a key and a limit."""
    body = {"model": "qwen3-8b", "messages": [{"role": "user", "content": "Hello"}]}
    (folder / "requests.jsonl").write_bytes(jsonl(*(chat_line(number, body=body) for number in range(2))))
    done = run(ROOT / SHELL, folder, service.url, KEY)

    assert done.returncode == 0, done.stderr
    assert (folder / "answers.csv").read_text().splitlines()[1] == "1,too late,echo: Classify: too late,"
    assert [json.loads(line)["custom_id"] for line in (folder / "results.jsonl").read_text().splitlines()] == [
        "c0",
        "c1",
    ]
    assert (folder / "table.csv").read_text().startswith("custom_id,answer,error")
    assert "Project Research may spend 250.00 USD a month, of which" in done.stderr


def test_the_life_of_a_batch_is_as_the_page_tells(service: Program, folder: Path) -> None:
    """Its calls work one after the other, and its objects have the fields of the real ones."""
    text = (ROOT / LIFE).read_text()
    life = text[text.index("## The life of one batch") : text.index("## States")]
    (folder / "life.md").write_text(life)
    done = run(folder / "life.md", folder, service.url, KEY)
    shown = [json.loads(block) for block in life.split("```json\n")[1:] for block in [block.split("```")[0]]]

    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    real = [json.loads((folder / name).read_text()) for name in ("file.json", "batch.json")]
    assert [set(each) for each in (shown[0], shown[2])] == [set(each) for each in (real[0], answers[0])]
    assert set(shown[1]) == set(real[1]) & set(Batch.model_fields)  # Extensions have sections of their own.
    assert real[0]["bytes"] == shown[0]["bytes"]
    assert real[1]["request_counts"] == shown[1]["request_counts"]


@pytest.mark.parametrize(
    "page", [*PAGES, LIFE, "docs/troubleshooting.md", "docs/entra.md", "docs/projects-and-keys.md"]
)
def test_python_of_a_page_is_python(page: str) -> None:
    """Also where a block is a piece of a program that cannot run by itself."""
    for each in snippets((ROOT / page).read_text()):
        if each.language == "python":
            ast.parse(each.text)


@pytest.mark.parametrize("page", [*PAGES, SHELL])
def test_what_is_not_run_says_why(page: str) -> None:
    """A page of programs has more that run than do not, and each of those has its reason."""
    found = list(snippets((ROOT / page).read_text()))

    assert any(each.reason is None for each in found)
    assert all(each.reason is None or len(each.reason) > 10 for each in found)


def test_blocks_are_found() -> None:
    """With their line, in both languages; other fences are no programs."""
    text = "x\n```python\na = 1\n```\n\n<!-- not run: no cloud -->\n```sh\nazd up\n```\n```json\n{}\n```\n"

    assert list(snippets(text)) == [
        Snippet(line=2, language="python", text="a = 1\n", reason=None),
        Snippet(line=7, language="sh", text="azd up\n", reason="no cloud"),
    ]


def test_a_program_that_breaks_is_told(tmp_path: Path) -> None:
    """By the page and its line."""
    (tmp_path / "page.md").write_text("x\n```python\nprint(missing)\n```\n")
    done = run(tmp_path / "page.md", tmp_path, "http://127.0.0.1:9", KEY)

    assert done.returncode == 1
    assert 'File "page.md", line 3' in done.stderr


@pytest.mark.parametrize("level", ["A call is wrong", "The file is wrong", "A line failed"])
def test_every_code_that_is_explained_exists(level: str) -> None:
    """Each code in the tables of errors is one that the product gives."""
    section = (ROOT / LIFE).read_text().split(f"**{level}**")[1].split("\n**")[0].split("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| ")]
    column = 2 if level == "A call is wrong" else 1  # There the status comes first.
    codes = {code for row in rows for code in re.findall(r"`([a-z]+_?[a-zA-Z_]+)`", row[column])}
    known = "".join(path.read_text() for path in sources())

    assert len(codes) > 5
    assert [code for code in sorted(codes) if f'"{code}"' not in known] == []


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    """Every link is to a file and a heading that are there."""
    path = ROOT / "docs" / page
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text())

    assert [link for link in links if not link.startswith("https://") and dead(link, path)] == []
