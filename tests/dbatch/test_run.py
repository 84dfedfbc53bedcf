"""`dbatch run`: a table of questions becomes a table of answers, against a live service."""

from __future__ import annotations

import csv
import importlib
import io
import json
from pathlib import Path

import pytest

from bench.programs import Service
from tests.dbatch.running import dbatch

SCHEMA = {"type": "object", "properties": {"label": {"type": "string"}, "id": {"type": "string"}}}


def rows_of(path: Path, **how: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), **how))


def test_answers_stand_beside_the_columns(service: Service, tmp_path: Path) -> None:
    """Each beside its row; what failed has its reason, and exit code 3; the same command sends only that again."""
    table, out = tmp_path / "questions.csv", tmp_path / "answers.csv"
    table.write_text('id,text\n1,red\n2,"a ""b"",\nc"\n3,[[status=400]]\n\n4,\n')
    ask = ("run", table, "--model", "m", "--prompt", "Classify: {{ text }}", "--out", out, "--batch-requests", "3")
    _, said = dbatch(service.url, *ask, exits=3)

    assert "3 of 4 rows answered" in said
    assert "1 x You asked for 400.  (first: row 3)" in said
    rows = rows_of(out)
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["answer"] for row in rows] == [
        *("echo: Classify: red", 'echo: Classify: a "b",\nc', "", "echo: Classify: ")
    ]
    assert rows[2]["error"] == "You asked for 400."
    assert rows[1]["text"] == 'a "b",\nc'
    _, said = dbatch(service.url, *ask, exits=3)
    assert "1 row of the run before had no answer" in said
    assert "in_progress  3/4  75 %" in said or "completed, 3 of 4" in said
    assert rows_of(out) == rows


def test_a_table_as_excel_writes_it(service: Service, tmp_path: Path) -> None:
    """Semicolons and a byte order mark come back; no answer is a formula; a run that is done is not sent again."""
    table, out = tmp_path / "q.csv", tmp_path / "a.csv"
    table.write_bytes("\ufefftext;answer\ngrün;old\n".encode())
    ask = ("run", table, "--model", "m", "--prompt", "{{text}}", "--out", out)
    dbatch(service.url, *ask)
    assert out.read_bytes() == "\ufefftext;answer;answer_2;error\ngrün;old;echo: grün;\n".encode()
    out.unlink()
    _, said = dbatch(service.url, *ask)
    assert "Batch" not in said
    assert out.exists()
    _, said = dbatch(service.url, *ask, "--system", "Be brief.", exits=1)
    assert "is of a run with another system" in said


def test_structured_answers_get_columns(service: Service, tmp_path: Path) -> None:
    """One for each property, of which none takes a column's name; what is no object is no answer."""
    table, out, schema = tmp_path / "q.jsonl", tmp_path / "a.jsonl", tmp_path / "schema.json"
    table.write_text('{"id": 1, "text": "red"}\n{"id": 2, "text": "refuse"}\n')
    schema.write_text(json.dumps(SCHEMA))
    ask = ("run", table, "--model", "s", "--prompt", "{{text}}", "--schema", schema, "--out", out)
    dbatch(service.url, *ask, exits=3)

    assert [json.loads(line) for line in out.read_text().splitlines()] == [
        {"id": 1, "text": "red", "label": "red", "id_2": "red", "error": None},
        {
            "id": 2,
            "text": "refuse",
            "label": None,
            "id_2": None,
            "error": "the answer is not what --schema asks for: sorry",
        },
    ]


def test_lines_of_text(service: Service, tmp_path: Path) -> None:
    """Each is a prompt."""
    table, out = tmp_path / "q.txt", tmp_path / "a.tsv"
    table.write_text("one\n\ntwo\n")
    dbatch(service.url, "run", table, "--model", "m", "--out", out, "--endpoint", "responses", "--set", "temperature=0")

    assert [row["answer"] for row in rows_of(out, delimiter="\t")] == ["echo: one", "echo: two"]


def test_requests_are_sent_as_they_are(service: Service, requests: Path, tmp_path: Path) -> None:
    """A batch's input file is a table, too; `--model` is what their bodies say."""
    out = tmp_path / "a.jsonl"
    dbatch(service.url, "run", requests, "--out", out, exits=3)

    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["custom_id"] for row in found] == ["c0", "c1", "c2", "c3", "c4"]
    assert found[2]["answer"] == "echo: =1+1"


def test_parquet_keeps_its_types(service: Service, tmp_path: Path) -> None:
    """In and out; the answers are text."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: scripts/test installs it")
    importlib.import_module("pyarrow.parquet")
    table, out = tmp_path / "q.parquet", tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": [1, 2], "text": ["a", None], "tags": [["x"], []]}), table)
    dbatch(service.url, "run", table, "--model", "m", "--prompt", "{{text}} {{tags}}", "--out", out)

    found = pyarrow.parquet.read_table(out)
    assert found.schema.field("id").type == pyarrow.int64()
    assert found.to_pylist() == [
        {"id": 1, "text": "a", "tags": ["x"], "answer": 'echo: a ["x"]', "error": None},
        {"id": 2, "text": None, "tags": [], "answer": "echo:  []", "error": None},
    ]


@pytest.mark.parametrize(
    ("name", "text", "options", "said"),
    [
        ("q.csv", "text\na\n", ("--prompt", "{{txt}}", "--model", "m"), "It has the columns text."),
        ("q.csv", "text\na\n", ("--model", "m"), "Give --prompt"),
        ("q.csv", "text\na\n", ("--prompt", "{{text}}"), "Give --model; `dbatch models` lists them."),
        ("q.csv", "a,b\n1,2,3\n", ("--prompt", "{{a}}", "--model", "m"), "line 2 has 3 cells, the header 2"),
        ("q.csv", 'a\n1\n"2\n3\n', ("--prompt", "{{a}}", "--model", "m"), "the row of line 3 is no CSV"),
        ("q.csv", "a,a\n", ("--prompt", "{{a}}", "--model", "m"), "has the column 'a' twice"),
        ("q.csv", "text\n", ("--prompt", "{{text}}", "--model", "m"), "has no rows"),
        ("q.xlsx", "PK", ("--prompt", "{{a}}", "--model", "m"), "Give it one of these endings"),
        ("q.jsonl", "[]\n", ("--prompt", "{{a}}", "--model", "m"), "line 1 is no object"),
    ],
)
def test_what_cannot_be_run(tmp_path: Path, name: str, text: str, options: tuple[str, ...], said: str) -> None:
    """Nothing is sent; the column, line or option is named."""
    (tmp_path / name).write_text(text)
    _, found = dbatch("http://127.0.0.1:1", "run", tmp_path / name, *options, "--out", tmp_path / "a.csv", exits=1)

    assert said in found
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("out", "said"),
    [("a.pdf", "Give it one of these: .csv, .tsv"), ("nowhere/a.csv", "cannot be written: No such file or directory")],
)
def test_what_cannot_be_written_is_not_asked(service: Service, tmp_path: Path, out: str, said: str) -> None:
    """It is said before a batch is paid for."""
    (tmp_path / "q.txt").write_text("one\n")
    _, found = dbatch(service.url, "run", tmp_path / "q.txt", "--model", "m", "--out", tmp_path / out, exits=1)

    assert said in found
    assert "Batch 1" not in found


def test_a_run_that_is_refused_says_why_once(service: Service, tmp_path: Path) -> None:
    """However many rows have the same mistake; no file is left half written."""
    (tmp_path / "q.txt").write_text("one\ntwo\n")
    ask = ("run", tmp_path / "q.txt", "--model", "nobody", "--out", tmp_path / "a.csv")
    _, said = dbatch(service.url, *ask, exits=3)

    assert said.count("The provided model 'nobody' is not supported") == 1
