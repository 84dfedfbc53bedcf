"""A run: a table in, batches of its rows, the answers beside its columns.

Rows are numbered from 1; a row's request is called `row-7`. A run that ended anyhow goes on when it is started again:
what it has done is in its state, and what of that the service may know already is asked for before anything is sent.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbatch.console import amount, say
from dbatch.creating import create_once
from dbatch.downloading import lines_of
from dbatch.prompts import Question, is_request
from dbatch.result_lines import read_result
from dbatch.run_state import Part, RunState
from dbatch.tables import Table
from dbatch.uploading import upload
from dbatch.watching import Watch

if TYPE_CHECKING:
    from openai import OpenAI

_NAME = "row-"
NEVER_RAN = "never ran"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one batch, and how many of them may be under way."""

    requests: int
    bytes: int
    at_once: int


@dataclass(slots=True)
class Run:
    """`draft` is where the lines of a part are while they are written and sent."""

    client: OpenAI
    table: Table
    question: Question
    state: RunState
    draft: Path
    limits: Limits
    terms: dict[str, Any]
    url: str = ""
    under_way: dict[str, Part] = field(default_factory=dict)
    costs: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def go(self) -> None:
        """Until every row has been asked, and every answer is in the state."""
        if again := self.state.begin():
            say(f"{amount(again, 'row')} of the run before had no answer, and will be sent again.")
        watched = Watch(self.client, self.state.counts()[:2])
        for part in self.state.open_parts():
            self._create(watched, part, is_new=False)
        for rows in self._drafts():
            part = self.state.note_part(rows, upload(self.client, self.draft, self._file_name()), time.time())
            self._create(watched, part, is_new=True)
            if len(self.under_way) >= self.limits.at_once:
                self._collect(watched.next_ended())
        while self.under_way:
            self._collect(watched.next_ended())
        self.state.end()

    def _file_name(self) -> str:
        return f"dbatch-{self.state.id[:12]}.jsonl"

    def _drafts(self) -> Iterator[Sequence[int]]:
        """Numbers of rows whose requests are now in `draft`: as many as a batch may have."""
        lines = self._lines()
        held = next(lines, None)
        while held is not None:
            rows: list[int] = []
            size = 0
            with self.draft.open("wb") as file:
                while held is not None and len(rows) < self.limits.requests:
                    if rows and size + len(held[1]) > self.limits.bytes:
                        break
                    rows.append(held[0])
                    size += file.write(held[1])
                    held = next(lines, None)
            yield rows

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        for number, row in enumerate(self.table.rows(), start=1):
            url = row["url"] if is_request(row) else self.question.url
            self.url = self.url or url
            if not self.state.is_known(number):
                request = {
                    "custom_id": f"{_NAME}{number}",
                    "method": "POST",
                    "url": url,
                    "body": self.question.body(row),
                }
                yield number, json.dumps(request, ensure_ascii=False).encode() + b"\n"

    def _create(self, watched: Watch, part: Part, *, is_new: bool) -> None:
        """The batch of a part is under way then."""
        if part.batch_id is None:
            part = self._created(part, is_new=is_new)
        watched.add(str(part.batch_id))
        watched.total = self.state.counts()[2]
        self.under_way[str(part.batch_id)] = part

    def _created(self, part: Part, *, is_new: bool) -> Part:
        batch = create_once(
            self.client,
            str(part.file_id),
            mark={"dbatch_run": self.state.id, "dbatch_part": str(part.number)},
            since=part.noted_at,
            is_new=is_new,
            endpoint=self.url or self._first_url(),
            **self.terms,
        )
        say(f"Batch {part.number} is {batch['id']}.")
        return self.state.note_batch(part, batch["id"])

    def _first_url(self) -> str:
        first = next(iter(self.table.rows()))
        return str(first["url"]) if is_request(first) else self.question.url

    def _collect(self, batch: dict[str, Any]) -> None:
        part = self.under_way.pop(batch["id"])
        files = [str(batch[key]) for key in ("output_file_id", "error_file_id") if batch.get(key)]
        self.state.collect(part, self._results(files), _why(batch))
        if cost := batch.get("cost"):
            self.costs[cost["currency"]] += Decimal(str(cost.get("actual") or 0))

    def _results(self, files: Sequence[str]) -> Iterator[tuple[int, str | None, str | None]]:
        for file_id in files:
            for line in lines_of(self.client, file_id):
                result = read_result(line)
                number = (result.custom_id or "").removeprefix(_NAME)
                if number.isdecimal():
                    answer, error = self._fitting(result.answer, result.error)
                    yield int(number), answer, error

    def _fitting(self, answer: str | None, error: str | None) -> tuple[str | None, str | None]:
        """What is no object where one was asked for is no answer."""
        if answer is None or self.question.schema is None or isinstance(_object(answer), dict):
            return answer, error
        return None, f"the answer is not what --schema asks for: {answer[:200]}"


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _why(batch: dict[str, Any]) -> str:
    """Why a row of it has no result."""
    errors = (batch.get("errors") or {}).get("data") or []
    said = "; ".join(list(dict.fromkeys(str(each.get("message") or each.get("code")) for each in errors))[:3])
    return f"the batch is {batch['status']}: {said}" if said else f"{NEVER_RAN}: the batch is {batch['status']}"
