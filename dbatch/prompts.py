"""A row of a table becomes the body of a request: templates, endpoints, structured output. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbatch.exits import Failure

Row = Mapping[str, Any]
_PLACE = re.compile(r"\{\{\s*(.+?)\s*\}\}")
ENDPOINTS = ("chat/completions", "responses", "completions", "embeddings", "moderations")
_STRUCTURED = ("chat/completions", "responses")


def cell(value: Any) -> str:
    """A value as text: JSON where it is more than one value, nothing where there is none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Template:
    """Text with `{{column}}` in it."""

    text: str

    def check(self, columns: Sequence[str]) -> None:
        """Raises Failure for a place that no column fills."""
        for name in _PLACE.findall(self.text):
            if name not in columns:
                raise Failure(f"the prompt names {{{{{name}}}}}, and the input has no such column.", _has(columns))

    def fill(self, row: Row) -> str:
        return _PLACE.sub(lambda place: cell(row[place[1]]), self.text)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of each row. `fields` go into each body as they are."""

    endpoint: str = ENDPOINTS[0]
    model: str | None = None
    prompt: Template | None = None
    system: Template | None = None
    schema: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"/v1/{self.endpoint}"

    def check(self, columns: Sequence[str]) -> None:
        """Raises Failure where rows of these columns cannot be asked this."""
        for template in (self.prompt, self.system):
            if template is not None:
                template.check(columns)
        if self.schema is not None and self.endpoint not in _STRUCTURED:
            raise Failure(f"--schema works with {' and '.join(_STRUCTURED)} only.")
        if is_request(columns):
            return
        if self.prompt is None and "prompt" not in columns:
            raise Failure(
                "there is no prompt.", f'Give --prompt, such as --prompt "Classify: {{{{…}}}}". {_has(columns)}'
            )
        if self.model is None:
            raise Failure("there is no model.", "Give --model; `dbatch models` lists them.")

    def body(self, row: Row) -> dict[str, Any]:
        """Of the request that this row is or becomes."""
        if is_request(row):
            return {**row["body"], **({"model": self.model} if self.model else {}), **self.fields}
        text = self.prompt.fill(row) if self.prompt else cell(row["prompt"])
        return {"model": self.model, **self._input(text, row), **self._format(), **self.fields}

    def _input(self, text: str, row: Row) -> dict[str, Any]:
        system = self.system.fill(row) if self.system else None
        match self.endpoint:
            case "chat/completions":
                first = [{"role": "system", "content": system}] if system else []
                return {"messages": [*first, {"role": "user", "content": text}]}
            case "responses":
                return {"input": text, **({"instructions": system} if system else {})}
            case "completions":
                return {"prompt": text}
        return {"input": text}

    def _format(self) -> dict[str, Any]:
        if self.schema is None:
            return {}
        named = {"name": "answer", "schema": self.schema, "strict": is_strict(self.schema)}
        if self.endpoint == "responses":
            return {"text": {"format": {"type": "json_schema", **named}}}
        return {"response_format": {"type": "json_schema", "json_schema": named}}


def is_request(columns: Row | Sequence[str]) -> bool:
    """A request line already, as in a batch's input file."""
    return "custom_id" in columns and "url" in columns and "body" in columns


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI takes it as strict: nothing more than its properties, and all of them."""
    return schema.get("additionalProperties") is False and set(schema.get("required") or ()) == set(properties(schema))


def properties(schema: Mapping[str, Any]) -> list[str]:
    """Names of what an answer has; a column for each."""
    return list(schema.get("properties") or {})


def read_schema(text: str, name: str) -> dict[str, Any]:
    """Raises Failure for what is no schema of an object."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Failure(f"{name} is not JSON: {error}.", "It has to be a JSON Schema.") from None
    if not isinstance(found, dict) or found.get("type") != "object" or not isinstance(found.get("properties"), dict):
        raise Failure(f"{name} is no JSON Schema of an object.", 'It needs "type": "object" and "properties".')
    return found


def _has(columns: Sequence[str]) -> str:
    return f"It has the columns {', '.join(columns)}."
