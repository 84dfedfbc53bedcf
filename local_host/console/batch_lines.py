"""What a person is told of a batch, as text. Pure; times of day are those of the reader's clock.

Rule of this file: no prompt, no answer and no name of a file is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.forecast import progress
from shared.domain.batches.hold_up import HoldUp
from shared.domain.keys.project import DEFAULT_PROJECT

_INDENT = " " * 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A batch with live counts, at some time."""

    batch: Batch
    at: datetime
    held_up: HoldUp | None = None

    @property
    def done(self) -> int:
        return self.batch.completed + self.batch.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """How a program gets at files: `key` is text for a shell."""

    url: str
    key: str

    def command(self, file_id: str, into: str) -> str:
        return f'curl -s {self.url}/v1/files/{file_id}/content -H "Authorization: Bearer {self.key}" -o {into}'


def clock(at: datetime) -> str:
    return at.astimezone().strftime("%H:%M:%S")


def news(now: Seen, before: Seen | None) -> str:
    """How a batch is getting on, `before` being what was said last."""
    batch = now.batch
    parts = [_counts(now) if batch.status is Status.IN_PROGRESS else batch.status.value]
    if batch.status is Status.IN_PROGRESS:
        parts += _pace(now, before)
    if now.held_up and now.held_up.until:
        parts.append(f"waits until {clock(now.held_up.until)}")
    line = f"{_beginning(batch, now.at)}{', '.join(parts)}"
    is_known = now.held_up and before and before.held_up and before.held_up.reason == now.held_up.reason
    return line if is_known or not now.held_up else f"{line}\n{_INDENT}{now.held_up.reason}"


def ending(batch: Batch, fetching: Fetching) -> str:
    """How it ended, and where its results are."""
    ended_at: datetime = getattr(batch, f"{batch.status}_at")
    took = _duration((ended_at - batch.created_at).total_seconds())
    line = f"{_beginning(batch, ended_at)}{batch.status} after {took}"
    if batch.total:
        line += f": {batch.completed:,} of {batch.total:,} answered, {batch.failed:,} failed"
    if batch.errors:
        line += f": {batch.errors[0].code}"  # Not the message: it may quote the file.
    results = (("answers", batch.output_file_id), ("errors", batch.error_file_id))
    return "\n".join([line, *(_place(batch, what, file_id, fetching) for what, file_id in results if file_id)])


def _beginning(batch: Batch, at: datetime) -> str:
    model = f"{batch.deployment}: " if batch.deployment else ""
    return f"{clock(at)}  {batch.rules.batch_id(batch.id)}  {model}"


def _counts(seen: Seen) -> str:
    batch = seen.batch
    share = f" ({seen.done * 100 // batch.total} %)" if batch.total and seen.done else ""
    failed = f", {batch.failed:,} failed" if batch.failed else ""
    return f"{seen.done:,} of {batch.total:,}{share}{failed}"


def _pace(now: Seen, before: Seen | None) -> list[str]:
    found = []
    seconds = (now.at - before.at).total_seconds() if before else 0.0
    if before and seconds > 0 and now.done > before.done:
        found.append(f"{(now.done - before.done) / seconds:,.1f}/s")
    expected = progress(now.batch, now.at)
    if expected and expected.estimated_completion_at and not now.held_up:
        found.append(f"ends about {_when(expected.estimated_completion_at, now.at)}")
    return found


def _when(at: datetime, now: datetime) -> str:
    """With the day, where it is another."""
    local = at.astimezone()
    return clock(at) if local.date() == now.astimezone().date() else local.strftime("%d %b %H:%M")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:,.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _place(batch: Batch, what: str, file_id: str, fetching: Fetching) -> str:
    """The key at hand opens files of the project `default` only, and none in a caller's own storage account."""
    shown = batch.rules.result_id(file_id)
    if batch.output_folder:
        return f"{_INDENT}{what}: in the folder of its caller's storage account"
    if batch.owner != DEFAULT_PROJECT:
        return f"{_INDENT}{what}: {shown}, of the project {batch.owner}"
    return f"{_INDENT}{what}: {fetching.command(shown, f'{what}.jsonl')}"
