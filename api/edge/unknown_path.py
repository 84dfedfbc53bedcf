"""Calls that no route takes: unknown paths, and paths of ours under another method, as each vendor answers them.

Rule: nobody is asked for a key and nothing is read or looked up; the vendors find the route first, too. One kind comes
here only because of its spelling: Azure's clients for .NET write the slashes of an upload's path as `%2F`, which makes
one segment of it to every router (contract 9.6). Another has names of models in it, such as `owner/model`, which are
one parameter and to a router several segments. `respelled` finds the route that was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from api.edge.dialect import OPENAI, Dialect
from shared.domain.endpoints import ENDPOINTS
from shared.domain.errors import DurableBatchError, InvalidRequest, NotFound
from shared.domain.parameters import shortened

# Calls of a model's own API: whoever sends one has to be told what this service is.
_OF_A_MODEL = frozenset(
    {endpoint.split("/")[2] for endpoint in ENDPOINTS}
    | {"models", "audio", "engines", "assistants", "threads", "conversations", "realtime", "fine_tuning"}
)
_MODEL = "/{model}"


class Template(NamedTuple):
    """A route of the app from the root on, such as `v1/files/{file_id}`."""

    method: str
    path: str


class WrongMethod(InvalidRequest):
    """The path is known, but not under this method; `allowed` are those that it takes."""

    def __init__(self, method: str, path: str, allowed: Sequence[str], hint: str) -> None:
        super().__init__(f"Not allowed to {method} on {path}. Use {' or '.join(allowed)} there. {hint}")
        self.allowed = allowed


def roots(prefixes: Iterable[str]) -> list[str]:
    """Their first segments: what is under them is ours to answer."""
    return sorted({prefix.partition("/")[0] for prefix in prefixes})


def dialect_of(path: str, dialects: Mapping[str, Dialect]) -> Dialect:
    """The dialect of the longest prefix that `path` begins with, in upper or lower case, as for the host."""
    under = [dialect for prefix, dialect in dialects.items() if f"{path}/".lower().startswith(f"/{prefix}/")]
    return max(under, key=lambda dialect: len(dialect.prefix), default=OPENAI)


def refusal(dialect: Dialect, method: str, path: str, routes: Iterable[Template]) -> DurableBatchError:
    """What to answer. Azure's gateway says of a wrong method what it says of an unknown path (docs/api.md)."""
    allowed = sorted({route.method for route in routes if _fits(route.path, path)} - {method})
    document = f"All calls: GET /{dialect.prefix}/openapi.json"
    if allowed and dialect.names_methods:
        return WrongMethod(method, shortened(path), allowed, document)
    message = dialect.unknown_path.format(method=method, path=shortened(path))
    return NotFound(f"{message} {_what_is_served(dialect, path)} {document}", code=dialect.unknown_path_code)


def respelled(method: str, path: str, routes: Iterable[Template]) -> tuple[Template, dict[str, str]] | None:
    """The route that `path` fits once its escaped slashes are slashes, and its parameters; None if there is none.

    `path` is decoded; Azure's host escapes the `%` of what it keeps escaped, so that `%2F` may still be in it.
    """
    meant = with_slashes(path)
    for route in routes:
        if route.method == method and _fits(route.path, meant):
            named = zip(route.path.split("/"), _segments(route.path, meant), strict=True)
            return route, {name[1:-1]: value for name, value in named if name.startswith("{")}
    return None


def with_slashes(text: str) -> str:
    """A path, or a parameter of one, with the slashes that a host left escaped."""
    return text.replace("%2F", "/").replace("%2f", "/")


def _what_is_served(dialect: Dialect, path: str) -> str:
    called = path.lower().removeprefix(f"/{dialect.prefix}/").split("/")
    if called[0] == "deployments":
        called = called[2:]
    if called[:1] == ["organization"]:
        return (
            f"Administration is under /{OPENAI.prefix}/organization: projects, keys, models of a project and the audit "
            "log. Call that, with OpenAI's client and not Azure's."
        )
    if not called or called[0] not in _OF_A_MODEL:
        return "This service answers batches and their files; send other calls to the model's own address."
    endpoint = f"/v1/{'/'.join(called)}".rstrip("/")
    named = f", with endpoint '{dialect.spell_endpoint(endpoint)}'" if endpoint in dialect.endpoints else ""
    return (
        "This service answers batches: upload a JSONL file with one request a line "
        f"(POST /{dialect.prefix}/files, purpose 'batch'), then create a batch of it "
        f"(POST /{dialect.prefix}/batches{named}). For an answer at once, call the model's own address."
    )


def _fits(template: str, path: str) -> bool:
    expected, given = template.split("/"), _segments(template, path)
    return len(expected) == len(given) and all(map(_is_segment, expected, given))


def _segments(template: str, path: str) -> list[str]:
    """Of `path`; a model's name is one, whatever slashes are in it."""
    most = template.count("/") if template.endswith(_MODEL) else -1
    return path.strip("/").split("/", most)


def _is_segment(expected: str, given: str) -> bool:
    return bool(given) if expected.startswith("{") else expected.lower() == given.lower()
