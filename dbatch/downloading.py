"""Result files as they come, and files of ours that appear whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from openai import OpenAI


def chunks_of(client: OpenAI, file_id: str) -> Iterator[bytes]:
    with client.files.with_streaming_response.content(file_id) as answer:
        yield from answer.iter_bytes(65_536)


def lines_of(client: OpenAI, file_id: str) -> Iterator[bytes]:
    """Of a result file, one in memory at a time; only a line feed ends one."""
    rest: list[bytes] = []  # Of a line that is not whole yet, which may be many megabytes.
    for data in chunks_of(client, file_id):
        first, *others = data.split(b"\n")
        rest.append(first)
        if others:
            yield from (line for line in (b"".join(rest), *others[:-1]) if line.strip())
            rest = [others[-1]]
    if (line := b"".join(rest)).strip():
        yield line


@contextmanager
def whole_file(out: Path | None) -> Iterator[IO[bytes]]:
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    partial = out.with_name(f"{out.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
