"""What an operation of the OpenAPI document is, and the answer that most have. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.edge.dialect import OK, Dialect
from api.openapi.azure_schemas import spoken_by
from api.openapi.bodies import Parameter, no_query
from api.openapi.schemas import ref
from shared.domain.errors import DurableBatchError

Answers = dict[int, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`raises`: errors beside those that follow from the other fields.

    These are: no key, unknown id, bad body or parameter, a store that is down.
    """

    tag: str
    summary: str
    answers: Callable[[Dialect], Answers]
    body: Callable[[Dialect], dict[str, Any]] | None = None
    parameters: Callable[[Dialect], list[Parameter]] = no_query
    raises: tuple[type[DurableBatchError], ...] = ()


def json_answer(name: str, description: str = "Done.") -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": ref(name)}}}


def ok(name: str) -> Callable[[Dialect], Answers]:
    return lambda dialect: {OK: json_answer(spoken_by(dialect, name))}
