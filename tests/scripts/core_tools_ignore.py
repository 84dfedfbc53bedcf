"""How Core Tools reads `.funcignore`, written down from its behaviour: it is not gitignore's syntax.

A pattern is a regular expression in disguise that has to fit the beginning of a path: `*` is at least one character
that is no slash, `**` at least one character of any kind. A pattern also fits where all its parts follow one another with
the slashes left out, each ending at the border of a word. `#` starts a comment, `!` takes back.
"""

from __future__ import annotations

import re


def denies(patterns: str, path: str) -> bool:
    """Whether `func azure functionapp publish` leaves `path` (relative, with slashes) out."""
    lines = [line.strip() for line in patterns.splitlines()]
    rules = [line for line in lines if line and not line.startswith("#")]
    taken_back = [rule[1:] for rule in rules if rule.startswith("!")]
    return _fits([rule for rule in rules if not rule.startswith("!")], path) and not _fits(taken_back, path)


def _fits(rules: list[str], path: str) -> bool:
    return any(
        re.match(form, path, re.ASCII)
        for rule in rules
        for form in (_whole(rule.removeprefix("/")), _parts(rule.removeprefix("/")))
    )


def _whole(rule: str) -> str:
    return "".join(
        {"**": "(.+)", "*": "([^/]+)"}.get(piece, re.escape(piece)) for piece in re.split(r"(\*\*|\*)", rule)
    )


def _parts(rule: str) -> str:
    first, *others = rule.split("/")
    return rf"([/]?({_whole(first)}\b|$))" + "".join(rf"({_whole(part)}\b)" for part in others)
