"""What administrators send, as JSON Schema (contract 10.2). Pure.

Rule of this file: every body is closed, for a field that nobody knows is refused; limits are the domain's constants.
"""

from __future__ import annotations

from typing import Any

from api.admin.acts import DEFAULT_LIST, MAX_LIST
from api.admin.audit_query import BOUNDS, LAST_SECOND
from api.admin.project_keys import ACCESS
from api.admin.rate_limits import DEFAULT_LIST as DEFAULT_RATES
from api.admin.rate_limits import MAX_LIST as MAX_RATES
from api.edge.dialect import Dialect
from api.openapi.bodies import Parameter, body, order_query, page_query
from api.openapi.schemas import TEXT, TRUTH, Schema, one_of, or_null
from shared.domain.keys.admin_fields import (
    LIFE_SECONDS,
    MAX_LABEL,
    MAX_LABEL_KEY,
    MAX_LABELS,
    MAX_MODEL,
    MAX_MODELS,
    MAX_NAME,
)
from shared.domain.keys.limits import Limits
from shared.domain.keys.new_limits import ENQUEUED, MOST
from shared.domain.keys.new_project import WEIGHTS
from shared.domain.keys.new_spend_alert import (
    ADDRESS,
    CHANNEL,
    EMAIL,
    MAX_ADDRESS,
    MAX_PREFIX,
    MAX_RECIPIENTS,
)
from shared.domain.keys.new_spend_limit import CURRENCY, MOST_CENTS, STOPS
from shared.domain.keys.priority import Priority
from shared.domain.keys.project import ModelMode
from shared.domain.keys.scopes import NAMES
from shared.domain.keys.service_account import Role
from shared.domain.usage.spend_limit import Interval

_LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f]*$"
_NAME: Schema = {**TEXT, "pattern": _LINE, "maxLength": MAX_NAME}
_LIFE: Schema = {"type": "integer", "minimum": LIFE_SECONDS[0], "maximum": LIFE_SECONDS[1]}
_MODELS: Schema = {
    "type": "array",
    "items": {**TEXT, "pattern": _LINE, "maxLength": MAX_MODEL},
    "maxItems": MAX_MODELS,
}
_LABELS: Schema = {
    "type": "object",
    "maxProperties": MAX_LABELS,
    "propertyNames": {"pattern": _LINE, "maxLength": MAX_LABEL_KEY},
    "additionalProperties": {**TEXT, "pattern": _LINE, "maxLength": MAX_LABEL},
}
_SPEND_LIMIT: dict[str, Schema] = {
    "currency": {**TEXT, "pattern": f"^{CURRENCY}$"},
    "interval": one_of(Interval),
    "threshold_amount": {"type": "integer", "minimum": 0, "maximum": MOST_CENTS},
}
_STOPS: dict[str, Schema] = {STOPS: or_null(TRUTH)}
_ONE_LIMIT: Schema = {
    "type": "object",
    "properties": {**_SPEND_LIMIT, **_STOPS},
    "required": list(_SPEND_LIMIT),
    "additionalProperties": False,
}
_ADDRESS: Schema = {**TEXT, "pattern": f"^{ADDRESS}$", "maxLength": MAX_ADDRESS}
_BEFORE: Parameter = {
    "name": "before",
    "in": "query",
    "schema": TEXT,
    "description": "The id of the first item of the page after.",
}
_NO_LIMIT: Schema = {"type": "object", "maxProperties": 0}
_WEIGHT: Schema = {"type": "integer", "minimum": WEIGHTS[0], "maximum": WEIGHTS[1]}
_MANY: Schema = {"type": "integer", "minimum": 0, "maximum": MOST}
_OF_PROJECT: dict[str, Schema] = {
    "labels": or_null(_LABELS),
    "weight": or_null(_WEIGHT),
    "limits": or_null(
        {
            "type": "object",
            "properties": {name: or_null(_MANY) for name in Limits.__struct_fields__},
            "additionalProperties": False,
        }
    ),
}
_KEY: dict[str, Schema] = {
    "expires_in_seconds": or_null(_LIFE),
    "scopes": or_null({"type": "array", "items": one_of(NAMES)}),
    "models": or_null(_MODELS),
    "labels": or_null(_LABELS),
    "max_priority": or_null(one_of(Priority)),
    "spend_limit": or_null({"anyOf": [_ONE_LIMIT, _NO_LIMIT]}),
}


def _closed(properties: dict[str, Schema], *required: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return body(schema, required=bool(required))


def new_project(_: Dialect) -> dict[str, Any]:
    return _closed({"name": _NAME, **_OF_PROJECT}, "name")


def project_changes(_: Dialect) -> dict[str, Any]:
    return _closed({"name": or_null(_NAME), **_OF_PROJECT})


def new_account(_: Dialect) -> dict[str, Any]:
    """The fields of a key are about the account's first one; there is none with `create_service_account_only`."""
    return _closed({"name": _NAME, "create_service_account_only": or_null(TRUTH), **_KEY}, "name")


def account_changes(_: Dialect) -> dict[str, Any]:
    return _closed({"name": or_null(_NAME), "role": or_null(one_of((Role.MEMBER, Role.OWNER)))})


def new_key(_: Dialect) -> dict[str, Any]:
    return _closed({"name": or_null(_NAME), **_KEY})


def key_changes(_: Dialect) -> dict[str, Any]:
    return _closed(_KEY)


def new_admin_key(_: Dialect) -> dict[str, Any]:
    return _closed({"name": _NAME, "expires_in_seconds": or_null(_LIFE)}, "name")


def model_permissions(_: Dialect) -> dict[str, Any]:
    return _closed({"mode": one_of(ModelMode), "model_ids": _MODELS}, "mode", "model_ids")


def rate_limit(_: Dialect) -> dict[str, Any]:
    return _closed({ENQUEUED: or_null(_MANY)})


def rate_limit_query(_: Dialect) -> list[Parameter]:
    return page_query(DEFAULT_RATES, MAX_RATES)


def spend_limits(_: Dialect) -> dict[str, Any]:
    models: Schema = {"type": "object", "additionalProperties": _ONE_LIMIT, "maxProperties": MAX_MODELS}
    return _closed({**_SPEND_LIMIT, **_STOPS, "models": or_null(models)}, *_SPEND_LIMIT)


def organization_limit(_: Dialect) -> dict[str, Any]:
    return _closed({**_SPEND_LIMIT, **_STOPS}, *_SPEND_LIMIT)


def spend_alert(_: Dialect) -> dict[str, Any]:
    channel = {
        "type": one_of((EMAIL,)),
        "recipients": {"type": "array", "items": _ADDRESS, "maxItems": MAX_RECIPIENTS},
        "subject_prefix": or_null({**TEXT, "pattern": _LINE, "maxLength": MAX_PREFIX}),
    }
    needed = ["type", "recipients"]
    schema: Schema = {"type": "object", "properties": channel, "required": needed, "additionalProperties": False}
    terms = {**_SPEND_LIMIT, "threshold_amount": {"type": "integer", "minimum": 1, "maximum": MOST_CENTS}}
    return _closed({**terms, CHANNEL: schema}, *terms, CHANNEL)


def alert_query(_: Dialect) -> list[Parameter]:
    return [*page_query(DEFAULT_LIST, MAX_LIST), order_query(), _BEFORE]


def list_query(_: Dialect) -> list[Parameter]:
    return page_query(DEFAULT_LIST, MAX_LIST)


def project_query(_: Dialect) -> list[Parameter]:
    archived: Schema = {**TRUTH, "default": False}
    return [*page_query(DEFAULT_LIST, MAX_LIST), {"name": "include_archived", "in": "query", "schema": archived}]


def key_query(_: Dialect) -> list[Parameter]:
    return [
        *page_query(DEFAULT_LIST, MAX_LIST),
        {"name": "owner_project_access", "in": "query", "schema": one_of(ACCESS)},
    ]


def admin_key_query(_: Dialect) -> list[Parameter]:
    return [*page_query(DEFAULT_LIST, MAX_LIST), order_query()]


def audit_query(_: Dialect) -> list[Parameter]:
    """Lists are understood without the brackets, too."""
    lists = ("event_types", "project_ids", "actor_ids", "actor_emails", "resource_ids")
    second: Schema = {"type": "integer", "minimum": 0, "maximum": LAST_SECOND}
    return [
        *page_query(DEFAULT_LIST, MAX_LIST),
        _BEFORE,
        *(
            {"name": f"{name}[]", "in": "query", "explode": True, "schema": {"type": "array", "items": TEXT}}
            for name in lists
        ),
        {
            "name": "effective_at",
            "in": "query",
            "style": "deepObject",
            "explode": True,
            "schema": {"type": "object", "properties": dict.fromkeys(BOUNDS, second), "additionalProperties": False},
        },
        {"name": "tenant_only", "in": "query", "schema": {**TRUTH, "default": False}},
    ]
