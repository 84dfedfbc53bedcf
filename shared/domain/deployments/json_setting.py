"""A setting whose value is JSON, as people really give it: the objects in it, or what is wrong and what to write.

Rule of this file: no sentence repeats the value, which may hold keys.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from shared.domain.deployments.credential import AROUND

_PATH = re.compile(r"@?[^\s{}\"']+\.\w+|[@~./][^\s{}\"']*|[A-Za-z]:\\\S+")
# What the text looks like -> what to do. The first that fits is said.
_HINTS = (
    (_PATH, 'It looks like a path; the setting holds the JSON itself: {name}="$(cat FILE)".'),
    (re.compile(r"(#.*\n|\s)*\[[^\]\n]+\]\s*\n[\s\S]*"), "It looks like TOML: keep it in a file called .toml."),
    (re.compile(r"[^\"]*[“”][\s\S]*"), 'Its quotes are typographic; write plain ones (").'),
    (re.compile(r"[\s\S]*\{\s*\\\"[\s\S]*"), "There are backslashes before its quotes; leave them out."),
    (re.compile(r"\{\s*'[\s\S]*"), 'JSON wants double quotes (") around names and texts, and no single ones.'),
    (re.compile(r"\[[\s\S]*"), "It is a list; write an object whose keys are the names."),
    (
        re.compile(r"\{[^\"]+"),
        "It has no double quotes; the shell may have taken them: put the whole in single quotes.",
    ),
    (re.compile(r"[\s\S]*[\s:](True|False|None)\b[\s\S]*"), "JSON writes true, false and null."),
    (re.compile(r"[\s\S]*(\s//|/\*|\s#)[\s\S]*"), "JSON has no comments; leave them out."),
)


def read_objects(name: str, text: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The objects in the setting `name`, by their names, and every problem. Blanks and quotes around it are ignored."""
    text = text.strip(AROUND)
    if text.startswith("'{") and text.endswith("}'"):  # Files of variables keep the quotes that a shell takes.
        text = text[1:-1]
    try:
        entries = msgspec.json.decode(text or "{}", type=dict[str, dict[str, Any]])
    except msgspec.DecodeError as error:
        advice = next((advice.format(name=name) for form, advice in _HINTS if form.fullmatch(text)), "")
        problem = f"{name} is not a JSON object of objects, {{name: {{...}}}}: {_placed(error, text)}"
        return {}, [f"{problem}. {advice}".rstrip() if advice else problem]
    return entries, [f"{name}: {each!r} is given twice in one object; keep one of them" for each in _repeated(text)]


def _placed(error: msgspec.DecodeError, text: str) -> str:
    """The error, with the line and column where it says a byte."""
    said = str(error)
    found = re.search(r"byte (\d+)", said)
    if not found:
        return said
    before = text.encode()[: int(found[1])].decode(errors="ignore")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return said.replace(found[0], f"line {line}, character {column}")


def _repeated(text: str) -> list[str]:
    """Keys that one object has twice, of which the last would count without a word."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        keys = [key for key, _ in pairs]
        found.extend(sorted({key for key in keys if keys.count(key) > 1}))

    json.loads(text or "{}", object_pairs_hook=look)
    return found
