"""The bodies of the webhook calls, checked (contract 8.4). Pure.

Rule of this file: limits that the contract does not give are stated here and in docs/api.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.domain.errors import InvalidRequest
from shared.domain.parameters import choice, missing, too_long, wrong_type
from shared.domain.webhooks.address import check_url
from shared.domain.webhooks.endpoint import Changes
from shared.domain.webhooks.event import EventType

MAX_NAME = 256


def parse_changes(fields: Mapping[str, Any], *, allow_http: bool, allow_private: bool) -> Changes:
    """The body of an update; what is absent or null stays as it is. Raises InvalidRequest."""
    name, url, event_types = _text(fields, "name"), _text(fields, "url"), fields.get("event_types")
    if name is not None and not name.strip():
        raise InvalidRequest(
            "Invalid 'name': it is empty. Name the endpoint for people.", code="invalid_value", param="name"
        )
    if name is not None and len(name) > MAX_NAME:
        raise too_long("name", len(name), MAX_NAME)
    if url is not None:
        check_url(url, allow_http=allow_http, allow_private=allow_private)
    return Changes(name=name, url=url, event_types=None if event_types is None else _event_types(event_types))


def parse_new_webhook(fields: Mapping[str, Any], *, allow_http: bool, allow_private: bool) -> Changes:
    """The body of a create call: the same with nothing left out. Raises InvalidRequest."""
    for name in ("name", "url", "event_types"):
        if fields.get(name) is None:
            raise missing(name)
    return parse_changes(fields, allow_http=allow_http, allow_private=allow_private)


def parse_event_type(fields: Mapping[str, Any]) -> EventType:
    """The body of a test call. Raises InvalidRequest."""
    if fields.get("event_type") is None:
        raise missing("event_type")
    return _event_type("event_type", fields["event_type"])


def parse_keep_old_secret(fields: Mapping[str, Any]) -> bool:
    """The body of a rotation, which may be empty. Raises InvalidRequest."""
    name = "keep_old_secret_active_for_24_hours"
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise wrong_type(name, "a boolean", value)
    return bool(value)


def too_many(limit: int) -> InvalidRequest:
    """The owner has `limit` endpoints already."""
    return InvalidRequest(
        f"There are {limit} webhook endpoints, which is the most this service allows. Delete one, or add event types "
        "to one with an update.",
        code="too_many_webhook_endpoints",
    )


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong_type(name, "a string", value)
    return value


def _event_types(value: Any) -> tuple[EventType, ...]:
    """In the order given, each once."""
    if not isinstance(value, list):
        raise wrong_type("event_types", "an array", value)
    if not value:
        raise InvalidRequest(
            "Invalid 'event_types': it is empty. Name at least one event type.",
            code="invalid_value",
            param="event_types",
        )
    return tuple(dict.fromkeys(_event_type(f"event_types[{index}]", item) for index, item in enumerate(value)))


def _event_type(param: str, value: Any) -> EventType:
    return choice(param, value, EventType)
