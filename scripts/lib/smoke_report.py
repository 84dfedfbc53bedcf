"""What the smoke test saw, as a person reads it: a table, a verdict, what to do next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_WIDTH = 100


class Verdict(StrEnum):
    """Of one check."""

    OK = "OK"
    WARNING = "WARNING"
    FAILED = "FAILED"
    NOT_TRIED = "not tried"


@dataclass(kw_only=True)
class Result:
    """One check: `seen` is a sentence, `advice` what to do about it."""

    name: str
    verdict: Verdict = Verdict.NOT_TRIED
    seconds: float = 0.0
    seen: str = ""
    advice: str = ""


def passed(results: Iterable[Result]) -> bool:
    """Whether every check was tried and none failed."""
    return all(result.verdict in (Verdict.OK, Verdict.WARNING) for result in results)


def report(url: str, results: list[Result]) -> str:
    """The table and the verdict, which is the last paragraph."""
    lines = [f"Smoke test of {url}", "", f"{'check':<18}{'result':<11}{'seconds':>7}  what was seen"]
    for result in results:
        first, *more = textwrap.wrap(result.seen, _WIDTH - 38) or [""]
        lines.append(f"{result.name:<18}{result.verdict:<11}{result.seconds:>7.1f}  {first}".rstrip())
        lines += [" " * 38 + rest for rest in more]
    return "\n".join([*lines, "", _verdict(results)])


def _verdict(results: list[Result]) -> str:
    if passed(results):
        warned = [result.name for result in results if result.verdict == Verdict.WARNING]
        return f"OK, but see {', '.join(warned)}." if warned else "OK"
    failed = [result for result in results if result.verdict == Verdict.FAILED]
    names: dict[str, list[str]] = {}
    for result in failed:
        names.setdefault(result.advice, []).append(result.name)
    advice = [f"- {'; '.join(found)}: {what}" for what, found in names.items()]
    return "\n".join(
        [f"FAILED: {len(failed)} of {len(results)} checks. Next:" if failed else "FAILED: stopped.", *advice]
    )
