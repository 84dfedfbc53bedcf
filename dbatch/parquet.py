"""Parquet, where pyarrow is installed: some thousand rows in memory at a time. The input's types are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dbatch.exits import Failure
from dbatch.prompts import Row, cell

if TYPE_CHECKING:
    from dbatch.tables import Table

_ROWS = 2_000


def check_library() -> Any:
    """The library itself. Raises Failure where it is not installed."""
    try:
        import pyarrow.parquet
    except ImportError:
        advice = "In a clone: pipx install '.[parquet]'  (or pip install pyarrow beside dbatch)."
        raise Failure("Parquet needs pyarrow, which is not installed.", advice) from None
    return pyarrow


class ParquetTable:
    def __init__(self, path: Path) -> None:
        pyarrow = check_library()
        try:
            self._file = pyarrow.parquet.ParquetFile(path)
        except pyarrow.ArrowInvalid as error:
            raise Failure(f"{path.name} is no Parquet file: {error}", "Check what wrote it.") from None
        self.schema = self._file.schema_arrow
        self.columns = list(self.schema.names)

    def rows(self) -> Iterator[Row]:
        for group in self._file.iter_batches(batch_size=_ROWS):
            yield from group.to_pylist()


class _ParquetSink:
    def __init__(self, writer: Any, schema: Any, texts: frozenset[str]) -> None:
        self._writer, self._schema, self._texts = writer, schema, texts
        self._rows: list[dict[str, Any]] = []

    def write(self, row: Row) -> None:
        self._rows.append({name: self._value(name, row.get(name)) for name in self._schema.names})
        if len(self._rows) >= _ROWS:
            self.flush()

    def _value(self, name: str, value: Any) -> Any:
        return cell(value) if name in self._texts and value is not None else value

    def flush(self) -> None:
        if self._rows:
            self._writer.write_table(check_library().Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


@contextmanager
def parquet_sink(file: IO[bytes], table: Table, added: Sequence[str]) -> Iterator[_ParquetSink]:
    pyarrow = check_library()
    kept = list(table.schema) if isinstance(table, ParquetTable) else []
    texts = [*([] if kept else table.columns), *added]
    schema = pyarrow.schema([*kept, *(pyarrow.field(name, pyarrow.string()) for name in texts)])
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        sink = _ParquetSink(writer, schema, frozenset(texts))
        yield sink
        sink.flush()
