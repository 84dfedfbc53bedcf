"""What a line of a result file says: the text of an answer, whatever the endpoint, or why there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HEADS = ("custom_id", "answer", "error", "status_code", "model", "input_tokens", "output_tokens")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Result:
    """`answer` is None where there is none; then `error` says why."""

    custom_id: str | None
    answer: str | None
    error: str | None
    status_code: int | None
    model: str
    input_tokens: int | None
    output_tokens: int | None

    def cells(self) -> list[str]:
        """In the order of HEADS."""
        values = (self.custom_id, self.answer, self.error, self.status_code, self.model)
        return ["" if each is None else str(each) for each in (*values, self.input_tokens, self.output_tokens)]


def read_result(line: bytes | str) -> Result:
    """Of a line of an output or error file."""
    found = json.loads(line)
    response = found.get("response") or {}
    body = response.get("body")
    body = body if isinstance(body, dict) else {}
    error = _error(found, response, body)
    usage = body.get("usage") or {}
    return Result(
        custom_id=found.get("custom_id"),
        answer=None if error else _answer(body),
        error=error,
        status_code=response.get("status_code"),
        model=str(body.get("model") or ""),
        input_tokens=usage.get("prompt_tokens", usage.get("input_tokens")),
        output_tokens=usage.get("completion_tokens", usage.get("output_tokens")),
    )


def _error(found: Mapping[str, Any], response: Mapping[str, Any], body: Mapping[str, Any]) -> str | None:
    status = response.get("status_code")
    error = found.get("error") or (None if status == 200 else body.get("error") or body)
    if isinstance(error, dict) and error:
        said = error.get("message") or json.dumps(error, ensure_ascii=False)
        return f"{error['code']}: {said}" if error.get("code") else str(said)
    return str(error) if error else None if status == 200 else f"HTTP {status}"


def _answer(body: Mapping[str, Any]) -> str:
    """The text of the first choice; other answers as JSON."""
    if choices := body.get("choices"):
        message = choices[0].get("message")
        found = choices[0].get("text") if message is None else message.get("content") or message.get("refusal")
        if isinstance(found, str):
            return found
        return json.dumps(message if found is None else found, ensure_ascii=False)
    if isinstance(body.get("output"), list):
        parts = [part for item in body["output"] for part in item.get("content") or [] if isinstance(part, dict)]
        if texts := [part["text"] for part in parts if isinstance(part.get("text"), str)]:
            return "".join(texts)
    for key in ("data", "results", "output"):
        if key in body:
            return json.dumps(body[key], ensure_ascii=False)
    return json.dumps(body, ensure_ascii=False)


def harmless(cell: str) -> str:
    """A text that a spreadsheet would take for a formula begins with `'`; a number stays one."""
    if not cell.startswith(_DANGEROUS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
