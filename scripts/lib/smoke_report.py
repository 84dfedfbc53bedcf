"""What the smoke test saw, as a person reads it: a table, a verdict, what to do next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_WIDTH = 110
_NAME = 20
_INDENT = _NAME + 11 + 7 + 2


class Verdict(StrEnum):
    """Of one check. What was left out was not asked for; what was not tried could not be."""

    OK = "OK"
    WARNING = "WARNING"
    FAILED = "FAILED"
    NOT_TRIED = "not tried"
    LEFT_OUT = "left out"


_FINE = (Verdict.OK, Verdict.WARNING, Verdict.LEFT_OUT)


@dataclass(kw_only=True)
class Result:
    """One check: `seen` is a sentence, `advice` what to do about it."""

    name: str
    verdict: Verdict = Verdict.NOT_TRIED
    seconds: float = 0.0
    seen: str = ""
    advice: str = ""


def passed(results: Iterable[Result]) -> bool:
    """Whether every check that was asked for was tried and none failed."""
    return all(result.verdict in _FINE for result in results)


def report(url: str, results: list[Result]) -> str:
    """The table and the verdict, which is the last paragraph."""
    lines = [f"Smoke test of {url}", "", f"{'check':<{_NAME}}{'result':<11}{'seconds':>7}  what was seen"]
    for result in results:
        first, *more = textwrap.wrap(result.seen, _WIDTH - _INDENT) or [""]
        lines.append(f"{result.name:<{_NAME}}{result.verdict:<11}{result.seconds:>7.1f}  {first}".rstrip())
        lines += [" " * _INDENT + rest for rest in more]
    return "\n".join([*lines, "", _verdict(results)])


def _verdict(results: list[Result]) -> str:
    if passed(results):
        return _good(results)
    failed = [result for result in results if result.verdict == Verdict.FAILED]
    names: dict[str, list[str]] = {}
    for result in failed:
        names.setdefault(result.advice, []).append(result.name)
    advice = [f"- {'; '.join(found)}: {what}" for what, found in names.items()]
    return "\n".join(
        [f"FAILED: {len(failed)} of {len(results)} checks. Next:" if failed else "FAILED: stopped.", *advice]
    )


def _good(results: list[Result]) -> str:
    warned = _with(results, Verdict.WARNING)
    left_out = _with(results, Verdict.LEFT_OUT)
    verdict = f"OK, but see {warned}." if warned else "OK"
    return f"Left out: {left_out}. The table says how to try them.\n{verdict}" if left_out else verdict


def _with(results: list[Result], verdict: Verdict) -> str:
    return ", ".join(result.name for result in results if result.verdict == verdict)
