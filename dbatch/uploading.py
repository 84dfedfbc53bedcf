"""Sending a file: in one call while it is small, else in parts, so that neither side holds all of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dbatch.console import lively

if TYPE_CHECKING:
    from openai import OpenAI

PART_BYTES = 8 * 1024 * 1024
_MEDIA_TYPE = "application/jsonl"


def upload(client: OpenAI, path: Path, name: str | None = None) -> str:
    """The id of the file that `path` has become; `name` is what it is called there. A part's bytes are in memory."""
    size = path.stat().st_size
    name = name or _named(path)
    if size <= PART_BYTES:
        return client.files.create(file=(name, path.read_bytes(), _MEDIA_TYPE), purpose="batch").id
    with path.open("rb") as file, _bar(size) as advance:
        begun = client.uploads.create(bytes=size, filename=name, mime_type=_MEDIA_TYPE, purpose="batch")
        parts = []
        while data := file.read(PART_BYTES):
            parts.append(client.uploads.parts.create(begun.id, data=io.BytesIO(data)).id)
            advance(len(data))
        done = client.uploads.complete(begun.id, part_ids=parts)
    if done.file is None:
        raise ValueError(f"the upload {begun.id} has no file")
    return done.file.id


def _named(path: Path) -> str:
    """What services take: a name that ends in .jsonl."""
    return path.name if path.suffix == ".jsonl" else f"{path.name}.jsonl"


@contextmanager
def _bar(size: int) -> Iterator[Callable[[int], None]]:
    if (console := lively()) is None:
        yield lambda _: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=size)
        yield lambda count: bar.advance(task, count)
