"""The one pass over an input file: finds its lines, has each judged, plans the chunks, counts lines and tokens.

Bytes are pushed in as they arrive; how they are cut into blocks makes no difference. Memory is one line, one block,
a digest per line, the plan, and the texts of a few lines that are counted together. What a single line must be is
said in `line_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.domain.batches.batch import BatchError, Refused, Validated
from shared.domain.batches.chunk import Plan
from shared.domain.batches.chunk_planner import ChunkPlanner
from shared.domain.batches.grouping import Group, Grouping
from shared.domain.deployments.deployment import Deployment
from shared.domain.endpoints import ENDPOINTS
from shared.domain.files.file_format import foreign_encoding, foreign_format
from shared.domain.json_problem import BOM
from shared.domain.keys.model_access import ModelAccess
from shared.domain.lines.request_line import end_of_blanks
from shared.domain.lines.rough_key import rough_keys
from shared.domain.usage.embedding_inputs import count_inputs
from shared.domain.usage.expected_answers import Answers
from shared.domain.usage.tokens import TokenCounter, TokenTally
from shared.domain.validation import validation_errors
from shared.domain.validation.line_rules import LineRules
from shared.domain.vendors.vendor import Vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRules:
    """What a file is held against. Sizes in bytes; a line's size is counted without its line feed.

    `groups`: lines may be worked on in another order than that of the file.
    """

    vendor: Vendor
    endpoint: str
    deployments: Mapping[str, Deployment]
    access: ModelAccess
    counter_for: Callable[[Deployment], TokenCounter]
    max_bytes: int
    max_line_bytes: int
    max_requests: int
    max_embedding_inputs: int
    max_reported_errors: int
    chunk_lines: int
    chunk_bytes: int
    groups: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A good file: how it is cut, the event that tells the batch record, and what its requests may get back.

    `groups`: how its lines should be grouped in a copy, if that is worth it.
    """

    plan: Plan
    validated: Validated
    answers: Answers
    groups: tuple[Group, ...] | None = None


class InputScan:
    """`feed` every block of the file in order, then `finish` once.

    `size` is what the file is expected to have, in bytes; only how it is cut into chunks depends on it.
    """

    def __init__(self, rules: ScanRules, size: int = 0) -> None:
        self._rules = rules
        self._lines = LineRules(
            vendor=rules.vendor, endpoint=rules.endpoint, deployments=rules.deployments, access=rules.access
        )
        self._chunks = ChunkPlanner(rules.chunk_lines, rules.chunk_bytes, size)
        self._grouping: Grouping | None = None  # from the first good line on, if it is wanted
        self._errors: list[BatchError] = []
        self._error_count = 0
        self._bytes = 0  # fed so far
        self._line_start = 0  # offset of the line that has begun
        self._line = 1  # its number
        self._pieces: list[bytes] = []  # its bytes from earlier blocks
        self._piece_bytes = 0
        self._skipping = False  # it is too long to be kept
        self._ends_open = False  # the last byte fed was no line feed
        self._requests = 0
        self._is_crowded = False  # there are more than allowed
        self._is_foreign = False  # it is of another format: no line of it is one
        self._tally: TokenTally | None = None  # from the first good line on
        self._limits_inputs = ENDPOINTS[rules.endpoint].limits_inputs
        self._embedding_inputs = 0

    @property
    def is_over(self) -> bool:
        """The file is larger than allowed, or of another format: nothing that follows matters."""
        return self._is_foreign or self._is_too_large

    @property
    def _is_too_large(self) -> bool:
        return self._bytes > self._rules.max_bytes

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the file, of any length. Time is linear in the bytes, however they are cut."""
        room = self._rules.max_bytes - self._bytes
        self._bytes += len(block)
        if block and room > 0 and not self._is_foreign:
            self._take(block if len(block) <= room else block[:room])

    def _take(self, block: bytes) -> None:
        self._ends_open = not block.endswith(b"\n")
        position = 0
        while (end := block.find(b"\n", position)) >= 0:
            if self._pieces or self._skipping:
                self._hold(block[position:end])
                line = b"".join(self._pieces)
            else:
                line = block[position:end]
            self._end_line(line, 1)
            position = end + 1
            if block[position : position + 1].isspace():
                position = self._skip_blank_lines(block, position)
            if self._is_crowded or self._is_foreign:
                break
        if self._is_crowded:  # The file is refused: only its lines are still counted.
            self._line += block.count(b"\n", position)
        elif position < len(block):
            self._hold(block[position:])

    def _skip_blank_lines(self, block: bytes, position: int) -> int:
        """Past a run of them in one step; a longer one takes several, so that no line in it is too long."""
        end = end_of_blanks(block, position, position + self._rules.max_line_bytes)
        self._line += block.count(b"\n", position, end)
        self._line_start += end - position
        return end

    def _hold(self, piece: bytes) -> None:
        """Keep the beginning of a line until its end arrives, unless it has become too long to be kept."""
        self._piece_bytes += len(piece)
        if not self._skipping:
            self._pieces.append(piece)
            if self._piece_bytes > self._rules.max_line_bytes:
                self._skipping = True
                self._pieces.clear()

    def _end_line(self, line: bytes, feed_bytes: int) -> None:
        """A line is complete. `line` is meaningless if it was too long to be kept."""
        size = self._piece_bytes if self._skipping else len(line)
        end = self._line_start + size + feed_bytes
        if size > self._rules.max_line_bytes:
            self._count()
            self._report([validation_errors.line_too_long(self._rules.max_line_bytes, self._line)])
        elif line and not line.isspace():
            self._count()
            if not self._is_crowded:
                self._judge(line, end)
        self._line_start = end
        self._line += 1
        if self._piece_bytes:
            self._pieces.clear()
            self._piece_bytes = 0
            self._skipping = False

    def _count(self) -> None:
        self._requests += 1
        self._is_crowded = self._requests > self._rules.max_requests

    def _judge(self, line: bytes, end: int) -> None:
        if self._line == 1 and (problem := self._begins_wrongly(line)):
            self._report([problem])
            return
        verdict = self._lines.check(line, self._line)
        if isinstance(verdict, list):
            self._report(verdict)
        elif not self._error_count:
            if self._limits_inputs:
                self._embedding_inputs += count_inputs(verdict)
            self._plan(line, verdict, end)

    def _begins_wrongly(self, line: bytes) -> BatchError | None:
        if line.startswith(BOM):
            return validation_errors.byte_order_mark(self._rules.vendor)
        what = foreign_format(line) or foreign_encoding(line)
        self._is_foreign = what is not None
        return validation_errors.foreign_file(self._rules.vendor, what) if what else None

    def _plan(self, line: bytes, body: bytes, end: int) -> None:
        if self._tally is None:
            deployment = self._rules.deployments[self._lines.deployment or ""]  # which every good line names
            self._tally = TokenTally(self._rules.counter_for(deployment))
            if self._rules.groups and deployment.leaders_first is True and self._is_prompted:
                self._grouping = Grouping(self._rules.chunk_lines, self._rules.chunk_bytes)
        if self._chunks.is_full(end):
            self._chunks.close(self._tally.take())
        text = line.strip()
        self._chunks.add(text, start=self._line_start, end=end, line=self._line)
        texts = self._tally.add(body)
        if self._grouping is not None:
            keys = rough_keys(texts)
            self._grouping.add(keys, number=self._line, size=len(text) + 1, chunk=self._chunks.index)

    @property
    def _is_prompted(self) -> bool:
        return ENDPOINTS[self._lines.endpoint or self._rules.endpoint].is_prompted

    def _report(self, errors: list[BatchError]) -> None:
        self._error_count += len(errors)
        self._errors += errors[: max(0, self._rules.max_reported_errors - len(self._errors))]

    def finish(self) -> Accepted | Refused:
        """The verdict on the whole file: problems of the file itself first, then those of lines in order."""
        if not self.is_over and self._piece_bytes:
            self._end_line(b"".join(self._pieces), 0)
            self._ends_open = False
        of_file, deployment = self._file_errors(), self._lines.deployment
        if of_file or self._error_count or deployment is None or self._tally is None:
            return Refused(errors=(*of_file, *self._errors, *self._unreported()))
        self._chunks.close(self._tally.take())
        plan = self._chunks.plan()
        tokens = sum(chunk.tokens for chunk in plan.chunks)
        validated = Validated(
            deployment=deployment,
            endpoint=self._lines.endpoint,
            total=self._requests,
            chunks=len(plan.chunks),
            input_tokens=tokens,
            token_method=self._tally.method,
        )
        groups = self._grouping.groups(tokens) if self._grouping is not None else None
        return Accepted(plan=plan, validated=validated, answers=self._tally.answers, groups=groups)

    def _file_errors(self) -> list[BatchError]:
        if self._is_too_large:
            return [validation_errors.too_large(self._rules.max_bytes, self._lines.deployment)]
        if self._is_crowded:
            lines = self._line - 1 + self._ends_open
            return [validation_errors.too_many_requests(self._rules.max_requests, lines)]
        if self._embedding_inputs > self._rules.max_embedding_inputs:
            return [validation_errors.too_many_inputs(self._rules.max_embedding_inputs, self._embedding_inputs)]
        return [] if self._requests else [validation_errors.empty()]

    def _unreported(self) -> list[BatchError]:
        more = self._error_count - len(self._errors)
        return [validation_errors.more_problems(more)] if more else []
