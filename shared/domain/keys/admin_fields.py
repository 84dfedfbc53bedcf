"""What the bodies of administrators' calls are made of, each field checked (contract 10.1). Pure.

Rule of this file: a field that nobody knows is refused. Whoever misspells `scopes` would get a key that may do all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from shared.domain.errors import InvalidRequest
from shared.domain.keys.scopes import check_names
from shared.domain.parameters import missing, out_of_range, shortened, too_long, whole_number, wrong_type

MAX_NAME: Final = 256
MAX_LABELS: Final = 16
MAX_LABEL_KEY: Final = 64
MAX_LABEL: Final = 512
MAX_MODELS: Final = 200
MAX_MODEL: Final = 256
MAX_SCOPES: Final = 50
LIFE_SECONDS: Final = (1, 31_536_000)


def check_known(fields: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises InvalidRequest for a field that is none of the `known` ones."""
    for name in fields:
        if name not in known:
            raise InvalidRequest(
                f"Unknown parameter: '{shortened(name)}'. This call takes {', '.join(sorted(known))}.",
                code="unknown_parameter",
                param=shortened(name),
            )


def name_in(fields: Mapping[str, Any]) -> str | None:
    """The field `name`; None if it is absent or null. Raises InvalidRequest."""
    return text_in(fields, "name", MAX_NAME)


def text_in(fields: Mapping[str, Any], param: str, longest: int) -> str | None:
    """A field with text; None if it is absent or null. Raises InvalidRequest."""
    value = fields.get(param)
    return None if value is None else _text(param, value, longest)


def required_name(fields: Mapping[str, Any]) -> str:
    """The same, of a call that needs one."""
    name = name_in(fields)
    if name is None:
        raise missing("name")
    return name


def labels_in(fields: Mapping[str, Any]) -> dict[str, str] | None:
    """The field `labels`, an extension: flat text. Raises InvalidRequest."""
    value = fields.get("labels")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise wrong_type("labels", "an object", value)
    if len(value) > MAX_LABELS:
        raise out_of_range("labels.length", len(value), 0, MAX_LABELS)
    for key, text in value.items():
        _text("labels", key, MAX_LABEL_KEY)
        _text(f"labels.{shortened(key)}", text, MAX_LABEL)
    return value


def models_in(fields: Mapping[str, Any], param: str = "models") -> tuple[str, ...] | None:
    """A field with names of deployments, each once; they need not be there yet. Raises InvalidRequest."""
    return _texts(fields, param, MAX_MODELS, MAX_MODEL)


def scopes_in(fields: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The field `scopes`, as it was given. Raises InvalidRequest, also for a scope that no project's key may have."""
    names = _texts(fields, "scopes", MAX_SCOPES, MAX_NAME)
    return None if names is None else check_names(names)


def life_in(fields: Mapping[str, Any]) -> int | None:
    """The field `expires_in_seconds`. Raises InvalidRequest."""
    value = fields.get("expires_in_seconds")
    return None if value is None else whole_number("expires_in_seconds", value, *LIFE_SECONDS)


def _texts(fields: Mapping[str, Any], param: str, most: int, longest: int) -> tuple[str, ...] | None:
    value = fields.get(param)
    if value is None:
        return None
    if not isinstance(value, list):
        raise wrong_type(param, "an array", value)
    if len(value) > most:
        raise out_of_range(f"{param}.length", len(value), 0, most)
    return tuple(dict.fromkeys(_text(f"{param}[{index}]", item, longest) for index, item in enumerate(value)))


def _text(param: str, value: Any, longest: int) -> str:
    """Text that people can read in a list: it says something, on one line."""
    if not isinstance(value, str):
        raise wrong_type(param, "a string", value)
    if len(value) > longest:
        raise too_long(param, len(value), longest)
    if not value.strip() or any(character < " " or character == "\x7f" for character in value):
        raise InvalidRequest(
            f"Invalid '{param}': it is empty or has a control character. Send text of one line.",
            code="invalid_value",
            param=param,
        )
    return value
