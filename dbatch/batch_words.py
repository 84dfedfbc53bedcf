"""A batch in words: its state, what it has done, how fast, until when, and why it waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dbatch.console import amount, moment, money
from dbatch.exits import DONE, NOT_ALL_ANSWERED

ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_SECONDS_OF_RATE = 5.0  # A rate of our own is told only once it was watched for so long.


def counts(batch: Mapping[str, Any]) -> tuple[int, int, int]:
    """Answered, failed, all of them; zeros before they are known."""
    found = batch.get("request_counts") or {}
    return found.get("completed") or 0, found.get("failed") or 0, found.get("total") or 0


def is_answered(batch: Mapping[str, Any]) -> bool:
    """Every line has its answer."""
    answered, _, total = counts(batch)
    return batch["status"] == "completed" and 0 < answered == total


def exit_of(batch: Mapping[str, Any]) -> int:
    return DONE if is_answered(batch) else NOT_ALL_ANSWERED


@dataclass(slots=True)
class Rate:
    """Requests a second as we saw them, for servers that tell none. Times are seconds of one clock."""

    first_at: float | None = None
    first_done: int = 0
    done: int = 0
    at: float = 0.0

    def see(self, batch: Mapping[str, Any], now: float) -> None:
        answered, failed, _ = counts(batch)
        if self.first_at is None:
            self.first_at, self.first_done = now, answered + failed
        self.done, self.at = answered + failed, now

    @property
    def value(self) -> float | None:
        if self.first_at is None or self.at - self.first_at < _SECONDS_OF_RATE:
            return None
        return (self.done - self.first_done) / (self.at - self.first_at) or None


def together(
    batches: Sequence[Mapping[str, Any]], before: tuple[int, int] = (0, 0), total: int = 0
) -> Mapping[str, Any]:
    """Several batches as one; `before` are requests answered and failed before them, `total` are at least there."""
    if len(batches) == 1 and not total:
        return batches[0]
    sums = [sum(of) for of in zip(*map(counts, batches), strict=True)]
    ended = sum(batch["status"] in ENDED for batch in batches)
    going = [batch.get("progress") or {} for batch in batches if batch["status"] not in ENDED]
    speeds = [each["requests_per_second"] for each in going if each.get("requests_per_second")]
    ends = [each.get("estimated_completion_at") or 0 for each in going]
    alone = batches[0] if len(batches) == 1 else {"status": "completed" if ended == len(batches) else "in_progress"}
    return {
        **alone,
        "batches": (ended, len(batches)),
        "request_counts": {
            "completed": sums[0] + before[0],
            "failed": sums[1] + before[1],
            "total": max(sums[2] + sum(before), total),
        },
        "progress": {
            "requests_per_second": sum(speeds),
            "estimated_completion_at": max(ends, default=0) if all(ends) else None,
            "held_up": next((each["held_up"] for each in going if each.get("held_up")), None),
        },
    }


def state(batch: Mapping[str, Any]) -> str:
    """The status, which does not hide what failed: `completed, 38 of 40`."""
    if (several := batch.get("batches")) and several[1] > 1:
        return f"{several[0]} of {several[1]} batches ended"
    answered, _, total = counts(batch)
    if batch["status"] in ENDED and total and answered < total:
        return f"{batch['status']}, {answered:,} of {total:,}"
    return "paused" if batch.get("paused_at") and batch["status"] == "in_progress" else str(batch["status"])


def progress_line(batch: Mapping[str, Any], rate: Rate, now: datetime) -> str:
    """`in_progress  316/400  79 %  26.6/s  ends 15:31`, and why it waits if it does."""
    answered, failed, total = counts(batch)
    done = answered + failed
    said = batch.get("progress") or {}
    parts = [state(batch)]
    if total:
        parts += [f"{done:,}/{total:,}", f"{100 * done // total} %"]
    if failed:
        parts.append(f"{failed:,} failed")
    speed = said.get("requests_per_second") or rate.value
    if speed and batch["status"] == "in_progress":
        parts.append(f"{speed:,.1f}/s")
        ends = said.get("estimated_completion_at") or int(now.timestamp() + (total - done) / speed)
        parts.append(f"ends {moment(ends, now=now)}")
    if held := said.get("held_up"):
        until = f"waits until {moment(held['until'], now=now)}: " if held.get("until") else ""
        parts.append(until + held["reason"])
    return "  ".join(parts)


def verdict(batch: Mapping[str, Any]) -> list[str]:
    """What became of it, and what to do next: lines for a person."""
    identifier = batch["id"]
    answered, failed, total = counts(batch)
    lines = [f"Batch {identifier} has ended: {batch['status']}, {answered:,} of {amount(total, 'request')} answered."]
    lines += [_mistake(each) for each in _errors(batch)]
    lines += _failures(batch)
    if cost := (batch.get("cost") or {}).get("actual"):
        lines.append(f"It cost {money(cost, batch['cost']['currency'])}.")
    if answered:
        lines.append(f"Answers:  dbatch fetch {identifier} > answers.jsonl   (or --csv)")
    if failed or batch.get("error_file_id"):
        lines.append(f"Failures: dbatch fetch {identifier} --errors;  again: dbatch retry {identifier}")
    return lines


def _errors(batch: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = (batch.get("errors") or {}).get("data") or []
    return found[:20]


def _mistake(error: Mapping[str, Any]) -> str:
    line = f"line {error['line']}: " if error.get("line") else ""
    return f"  {line}{error.get('message') or error.get('code')}"


def _failures(batch: Mapping[str, Any]) -> list[str]:
    """Groups of failed lines, which our service tells."""
    lines = []
    for each in batch.get("failures") or []:
        example = each.get("example") or {}
        lines.append(
            f"  {each['count']:,} x {each['code']}, such as {example.get('custom_id')!r}: {example.get('message')}"
        )
        if each.get("advice"):
            lines.append(f"      {each['advice']}")
    return lines
