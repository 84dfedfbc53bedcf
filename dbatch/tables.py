"""Tables, a row at a time: CSV, TSV, JSON Lines, text with a prompt on each line; Parquet is in `parquet`.

Rows are dicts from column to value. Nothing here holds more than a row.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from dbatch.exits import Failure
from dbatch.prompts import Row, cell

KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".txt", ".parquet")
OUT_KINDS = tuple(kind for kind in KINDS if kind != ".txt")
_BOM = b"\xef\xbb\xbf"
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


class Table(Protocol):
    """An input: its columns, in order, and its rows from the first."""

    columns: list[str]

    def rows(self) -> Iterator[Row]: ...


class Sink(Protocol):
    """An output: gets rows that have its columns."""

    def write(self, row: Row) -> None: ...


def open_table(path: Path) -> Table:
    """By the end of its name. Raises Failure if it is no such table, OSError if it cannot be read."""
    match path.suffix.lower():
        case ".csv" | ".tsv":
            return CsvTable(path)
        case ".jsonl" | ".ndjson":
            return JsonTable(path)
        case ".txt":
            return TextTable(path)
        case ".parquet":
            from dbatch.parquet import ParquetTable  # pyarrow is an extra

            return ParquetTable(path)
    raise Failure(f"{path.name} is no table that is known here.", f"Give it one of these endings: {', '.join(KINDS)}.")


class CsvTable:
    """With a header. Separated by what its first line has: commas, semicolons or tabs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            first = file.readline()
        self.has_mark = first.startswith(_BOM)
        self.delimiter = max(",;\t", key=first.decode(errors="replace").count)
        self.columns = next(self._lines(), (1, []))[1]
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if not self.columns or twice:
            why = f"has the column {twice[0]!r} twice" if twice else "is empty"
            raise Failure(f"{path.name} {why}.", "Its first line must name its columns, each once.")

    def rows(self) -> Iterator[Row]:
        lines = self._lines()
        next(lines, None)
        for number, cells in lines:
            if not cells:
                continue
            if len(cells) > len(self.columns):
                said = f"line {number} has {len(cells)} cells, the header {len(self.columns)}"
                raise Failure(f"{self._path.name}: {said}.", "Put texts that have the separator in quotes.")
            yield dict(zip(self.columns, [*cells, *[""] * (len(self.columns) - len(cells))], strict=True))

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """Cells, and the number of the line that they end on. A quote that is never closed would swallow all rows."""
        with _text(self._path) as text:
            lines = csv.reader(text, delimiter=self.delimiter, strict=True)
            began = 1
            try:
                for cells in lines:
                    yield lines.line_num, cells
                    began = lines.line_num + 1
            except csv.Error as error:
                advice = "Look for a quote that is not closed; a quote inside quotes is written twice."
                raise Failure(f"{self._path.name}: the row of line {began} is no CSV ({error}).", advice) from None


class JsonTable:
    """An object on each line; its columns are those of the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.columns = list(next(self._objects(), {}))

    def rows(self) -> Iterator[Row]:
        for row in self._objects():
            yield {**dict.fromkeys(self.columns), **row}

    def _objects(self) -> Iterator[dict[str, Any]]:
        with _text(self._path) as text:
            for number, line in enumerate(text, start=1):
                if not line.strip():
                    continue
                try:
                    found = json.loads(line)
                except ValueError as error:
                    raise Failure(
                        f"{self._path.name}: line {number} is not JSON ({error}).", "Mend that line."
                    ) from None
                if not isinstance(found, dict):
                    raise Failure(f"{self._path.name}: line {number} is no object.", "Write each row as {…}.")
                yield found


class TextTable:
    """A prompt on each line, in the column `prompt`; empty lines do not count."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.columns = ["prompt"]

    def rows(self) -> Iterator[Row]:
        with _text(self._path) as text:
            for line in text:
                if line.strip():
                    yield {"prompt": line.rstrip("\r\n")}


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    with path.open(encoding="utf-8-sig", newline="") as text:
        try:
            yield text
        except UnicodeDecodeError:
            raise Failure(f"{path.name} is not UTF-8.", "Save it as UTF-8 (in Excel: “CSV UTF-8”).") from None


class CsvSink:
    def __init__(self, file: IO[str], columns: Sequence[str], delimiter: str) -> None:
        self._columns, self._rows = columns, csv.writer(file, delimiter=delimiter, lineterminator="\n")
        self._rows.writerow(columns)

    def write(self, row: Row) -> None:
        self._rows.writerow([cell(row.get(name)) for name in self._columns])


class JsonSink:
    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, row: Row) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")


def check_sink(path: Path) -> None:
    """Raises Failure where `open_sink` could not write this file: before anything is asked."""
    if path.suffix.lower() not in OUT_KINDS:
        raise Failure(f"{path.name} is no table that can be written.", f"Give it one of these: {', '.join(OUT_KINDS)}.")
    if path.suffix.lower() == ".parquet":
        from dbatch.parquet import check_library

        check_library()


@contextmanager
def open_sink(path: Path, file: IO[bytes], table: Table, added: Sequence[str]) -> Iterator[Sink]:
    """Writes to `file` what `path`'s name ends in: the columns of `table`, then those that are `added`, as text."""
    columns = [*table.columns, *added]
    if path.suffix.lower() == ".parquet":
        from dbatch.parquet import parquet_sink  # pyarrow is an extra

        with parquet_sink(file, table, added) as sink:
            yield sink
        return
    import io

    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        yield JsonSink(text)
    else:
        if getattr(table, "has_mark", False):
            text.write("\ufeff")  # Excel knows by it that this is UTF-8.
        own = "\t" if path.suffix.lower() == ".tsv" else getattr(table, "delimiter", ",")
        yield CsvSink(text, columns, "," if own == "\t" and path.suffix.lower() == ".csv" else own)
    text.flush()
    text.detach()
