"""A file of requests, read before it is sent: what a batch would be refused for that can be seen without the service.

One pass, a line at a time; of each line only the hash of its `custom_id` is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_LINES = 50_000
MOST_BYTES = 200_000_000
_MOST_MISTAKES = 20
_CUT = 80


@dataclass(frozen=True, slots=True)
class Mistake:
    """`line` counts from 1; 0 is the file itself."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}" if self.line else self.what


@dataclass(slots=True)
class Findings:
    """What one pass has seen. `mistakes` ends after twenty."""

    size: int = 0  # in bytes
    requests: int = 0
    endpoint: str | None = None
    model: str | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    _ids: dict[int, int] = field(default_factory=dict)

    def take(self, number: int, line: bytes) -> None:
        self.requests += 1
        try:
            request = json.loads(line.decode())
        except UnicodeDecodeError:
            self._note(number, "is not UTF-8; save the file as UTF-8")
            return
        except ValueError as error:
            self._note(number, f"is not JSON ({error}): {line[:_CUT].decode(errors='replace')!r}")
            return
        if not isinstance(request, dict):
            self._note(number, "is JSON, but no object; each line is one request in {}")
            return
        for what in self._mistakes(number, request):
            self._note(number, what)

    def _mistakes(self, number: int, request: dict[str, Any]) -> Iterator[str]:
        name, url, body = (request.get(key) for key in ("custom_id", "url", "body"))
        if not isinstance(name, str) or not name:
            yield 'has no custom_id; give each line a text of its own, such as "custom_id": "1"'
        elif (first := self._ids.setdefault(hash(name), number)) != number:
            yield f"has the custom_id {name!r} of line {first}; each must be there once"
        if request.get("method") != "POST":
            yield 'needs "method": "POST"'
        if not isinstance(url, str) or not url.startswith("/"):
            yield 'needs a "url" such as "/v1/chat/completions"'
        elif url != (first_url := self._first("endpoint", url)):
            yield f"goes to {url}, the lines before it to {first_url}; make a file for each endpoint"
        if not isinstance(body, dict):
            yield 'needs a "body", the request as an object'
            return
        model = body.get("model")
        if not isinstance(model, str) or not model:
            yield 'has no "model" in its body; `dbatch models` lists them'
        elif model != (first_model := self._first("model", model)):
            yield f"is for {model}, the lines before it for {first_model}; make a file for each model"

    def _first(self, of: str, value: str) -> str:
        if getattr(self, of) is None:
            setattr(self, of, value)
        return str(getattr(self, of))

    def _note(self, number: int, what: str) -> None:
        if not self.is_full:
            self.mistakes.append(Mistake(number, what))

    @property
    def is_full(self) -> bool:
        return len(self.mistakes) >= _MOST_MISTAKES


def examine(path: Path) -> Findings:
    """Reads until the end, or until there are mistakes enough. Raises OSError."""
    found = Findings()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            found.size += len(line)
            if number == 1 and line.startswith(b"\xef\xbb\xbf"):
                found.mistakes.append(Mistake(1, "begins with a byte order mark; save the file as UTF-8 without one"))
                line = line[3:]  # noqa: PLW2901 - what else is wrong is told as well
            if line.strip():
                found.take(number, line)
            if found.is_full:
                return found
    if not found.requests:
        found.mistakes.append(Mistake(0, "The file has no requests; each line is one, in JSON."))
    for is_too_much, said in (
        (found.requests > MOST_LINES, f"It has {found.requests:,} requests; OpenAI takes {MOST_LINES:,} in a file."),
        (found.size > MOST_BYTES, f"It has {found.size:,} bytes; OpenAI takes {MOST_BYTES:,} in a file."),
    ):
        if is_too_much:
            found.mistakes.append(Mistake(0, f"{said} Split it."))
    return found
