"""A file of deployments in TOML: the tables in it, or what is wrong with them, where, and what to write. Pure.

Rule of this file: no sentence repeats a value, which may hold keys.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

_NAMED = "put names that have more than letters, digits, - and _ in quotes"
# What the line looks like at which reading stopped -> what to do. The first that fits is said.
_HINTS = (
    (re.compile(r"\s*\[[^\"'\]]*[:/@ ][^\"'\]]*\].*"), f'{_NAMED}: ["llama3.2:3b"]'),
    (re.compile(r"\s*[\w.-]+\s*:.*"), "write key = value, with an equals sign"),
    (re.compile(r"\s*[\w.-]+\s*=\s*[A-Za-z/$].*"), 'put texts in double quotes: key = "text"'),
    (re.compile(r"\s*\{.*"), "this looks like JSON: call the file .json"),
    (re.compile(r".*[“”].*"), 'its quotes are typographic; write plain ones (")'),
)


def read_tables(name: str, text: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The tables of the file called `name`, by their names, and every problem."""
    try:
        entries = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return {}, [f"{name} is not TOML: {_placed(error, text)}"]
    problems = [problem for key, value in entries.items() for problem in _misplaced(name, key, value)]
    return {key: value for key, value in entries.items() if isinstance(value, dict)} if not problems else {}, problems


def _placed(error: tomllib.TOMLDecodeError, text: str) -> str:
    said = str(error)
    found = re.search(r"at line (\d+)", said)
    line = text.splitlines()[int(found[1]) - 1] if found else ""
    advice = next((advice for form, advice in _HINTS if form.fullmatch(line)), None)
    return f"{said}; {advice}" if advice else said


def _misplaced(name: str, key: str, value: Any) -> list[str]:
    """A setting above the first table, and what a dot in a name makes: a table within a table."""
    if not isinstance(value, dict):
        return [f"{name}: {key} stands outside of every deployment; put [NAME] above it, NAME being the model's"]
    inner = [each for each, found in value.items() if isinstance(found, dict) and each != "price"]
    return [f'{name}: [{key}.{each}] is a table within a table; {_NAMED}: ["{key}.{each}"]' for each in inner]
