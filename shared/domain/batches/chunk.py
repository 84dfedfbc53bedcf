"""Chunks: the byte ranges a validated input file is cut into, and the row that says how far each has come.

The plan is a blob, never durable history; the row is absolute (never a delta), so writing it twice is harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.domain.batches.failures import Failure
from shared.domain.lines.request_line import digest_of
from shared.domain.usage.usage import Usage

PLANS_PREFIX = "plans/"
JOURNALS_PREFIX = "journals/"
INPUTS_PREFIX = "inputs/"


class PlannedChunk(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """`start` and `length` are bytes in the input blob; `first_line` is 1-based; `lines` counts request lines.

    `digest` is that of the lines (`request_line.digest_of`); a plan that an older version made has none. With `numbers`
    the bytes are those of the plan's grouped copy (`alike_lines`), and these are the lines' numbers in the input,
    ascending; `stored` is the digest of the bytes themselves then. A copy that an older version made has none.
    """

    index: int
    start: int
    length: int
    first_line: int
    lines: int
    tokens: int
    digest: int | None = None
    numbers: tuple[int, ...] | None = None
    stored: int | None = None

    def holds(self, lines: Sequence[bytes]) -> bool:
        """Whether these are the lines that were planned, without white space around them."""
        return len(lines) == self.lines and self.digest in (None, digest_of(lines))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Every chunk of one batch, in the order in which they are worked on: that of the input, unless it has a copy.

    `grouped_copy` names a copy of the input in which lines that begin alike stand side by side (`grouping`).
    """

    chunks: tuple[PlannedChunk, ...]
    grouped_copy: str | None = None


def no_chunk(index: int) -> PlannedChunk:
    """An empty chunk in place of one whose plan is lost: which lines it had, only its journal tells."""
    return PlannedChunk(index=index, start=0, length=0, first_line=1, lines=0, tokens=0)


class ChunkRow(msgspec.Struct, frozen=True, kw_only=True):
    """Progress of one chunk, and the `lane` that claimed it by inserting the row: only that lane works on it.

    A run that is started anew may have fewer lanes: see `belongs_to`.

    `seal` is None while the chunk is open. Once set, its result blocks are staged under ids made from it and the row
    never changes again. It is random, so that two activities sealing one chunk at once cannot mix their blocks: the
    blocks that count are those of the row that won. `sealed_at` counts for the ledger; older versions did not keep it.
    `failures` tells of the chunk's lines in the error file, once it is sealed. `output_bytes` and `error_bytes` are
    counted where sealed results are still to be put in order (`unordered_blob`).
    """

    batch_id: str
    index: int
    lane: int = 0
    completed: int = 0
    failed: int = 0
    usage: Usage = Usage()
    model: str | None = None
    seal: str | None = None
    output_blocks: int = 0
    error_blocks: int = 0
    output_bytes: int = 0
    error_bytes: int = 0
    sealed_at: datetime | None = None
    failures: tuple[Failure, ...] = ()

    @property
    def sealed(self) -> bool:
        return self.seal is not None

    def belongs_to(self, lane: int, lanes: int) -> bool:
        """Whether `lane`, one of `lanes`, is to finish it: what a lane claimed that is no more falls to one that is."""
        return self.lane % lanes == lane

    @property
    def finished(self) -> int:
        """Lines that ran to an outcome."""
        return self.completed + self.failed


def plan_blob(batch_id: str, name: str | None) -> str:
    """`name` is the record's (`Batch.plan`); the plan of a batch that an older version accepted has none."""
    return f"{plans_prefix(batch_id)}/{name}" if name else plans_prefix(batch_id)


def plans_prefix(batch_id: str) -> str:
    """How the name of every plan begins that was ever made for the batch."""
    return f"{PLANS_PREFIX}{batch_id}"


def journal_blob(batch_id: str, index: int) -> str:
    return f"{JOURNALS_PREFIX}{batch_id}/{index:06d}"


def journals_prefix(batch_id: str) -> str:
    return f"{JOURNALS_PREFIX}{batch_id}/"


def unordered_blob(batch_id: str, kind: str) -> str:
    """Sealed results of a grouped batch, until they are merged; among its journals, and removed with them."""
    return f"{journals_prefix(batch_id)}{kind}"


def results_prefix(batch_id: str) -> str:
    return f"results/{batch_id}/"


def input_copy(batch_id: str, version: str) -> str:
    """Where the copy of one version of a caller's own blob lives while its batch does."""
    return f"{inputs_prefix(batch_id)}{version}"


def grouped_copy(batch_id: str, mark: str) -> str:
    """Where the copy of an input lives, grouped in the way that has this mark."""
    return f"{inputs_prefix(batch_id)}grouped-{mark}"


def inputs_prefix(batch_id: str) -> str:
    return f"{INPUTS_PREFIX}{batch_id}/"


def result_blob(batch_id: str, kind: str) -> str:
    """`kind` is `output` or `error`."""
    return f"results/{batch_id}/{kind}"


def block_id(index: int, part: int, seal: str) -> str:
    """Constant width, as block blobs demand; `seal` is 8 characters."""
    return f"{index:06d}-{part:04d}-{seal}"
