"""Calls that no route takes: unknown paths, and paths of ours under another method, as each vendor answers them.

Rule: nobody is asked for a key and nothing is read or looked up; the vendors find the route first, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from api.dialect import MOUNTS, OPENAI, Dialect
from shared.domain.errors import DurableBatchError, InvalidRequest, NotFound
from shared.domain.parameters import shortened

# The first segments of all prefixes: what is under them is ours to answer.
ROOTS = sorted({prefix.partition("/")[0] for _, prefix, _ in MOUNTS})
_ONLY_BATCHES = "This service answers batches and their files; send other calls to the model's own address."


class Template(NamedTuple):
    """A route of the app from the root on, such as `v1/files/{file_id}`."""

    method: str
    path: str


class WrongMethod(InvalidRequest):
    """The path is known, but not under this method; `allowed` are those that it takes."""

    def __init__(self, method: str, path: str, allowed: Sequence[str]) -> None:
        super().__init__(f"Not allowed to {method} on {path}. Use {' or '.join(allowed)} there.")
        self.allowed = allowed


def dialect_of(path: str) -> Dialect:
    """The dialect of the longest prefix that `path` begins with, in whatever case: the host's routes do not mind it."""
    under = [dialect for _, prefix, dialect in MOUNTS if f"{path}/".lower().startswith(f"/{prefix}/")]
    return max(under, key=lambda dialect: len(dialect.prefix), default=OPENAI)


def refusal(dialect: Dialect, method: str, path: str, routes: Iterable[Template]) -> DurableBatchError:
    """What to answer. Azure's gateway says of a wrong method what it says of an unknown path (docs/api.md)."""
    allowed = sorted({route.method for route in routes if _fits(route.path, path)})
    if allowed and dialect.names_methods:
        return WrongMethod(method, shortened(path), allowed)
    message = dialect.unknown_path.format(method=method, path=shortened(path))
    return NotFound(f"{message} {_ONLY_BATCHES}", code=dialect.unknown_path_code)


def _fits(template: str, path: str) -> bool:
    expected, given = template.split("/"), path.strip("/").split("/")
    return len(expected) == len(given) and all(map(_is_segment, expected, given))


def _is_segment(expected: str, given: str) -> bool:
    return bool(given) if expected.startswith("{") else expected.lower() == given.lower()
