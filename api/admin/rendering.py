"""Projects, service accounts and keys as administrators see them (contract 10.3). Pure.

Rule of this file: a key's text is shown by the two functions for answers to create calls, and by no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from api.edge.rendered_values import unix_seconds
from shared.domain import ids
from shared.domain.deployments.deployment import Deployment
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.audit import Actor, ActorKind, AuditEvent
from shared.domain.keys.key_text import ADMIN_PREFIX, PROJECT_PREFIX
from shared.domain.keys.limits import Limits
from shared.domain.keys.new_key import Secret
from shared.domain.keys.organization import ORGANIZATION
from shared.domain.keys.project import ModelPermissions, Project, parse_project_id, spell_project_id
from shared.domain.keys.service_account import ServiceAccount
from shared.domain.usage.money import shown as in_units
from shared.domain.usage.spend_limit import SpendLimit

PROJECT: Final = "organization.project"
ACCOUNT: Final = "organization.project.service_account"
KEY: Final = "organization.project.api_key"
ADMIN_KEY: Final = "organization.admin_api_key"
PERMISSIONS: Final = "project.model_permissions"
SPEND_LIMIT: Final = "project.spend_limit"
ORGANIZATION_LIMIT: Final = f"{ORGANIZATION}.spend_limit"
RATE_LIMIT: Final = "project.rate_limit"
_ACCOUNT_PREFIX: Final = "svc_acct_"
_KEY_PREFIX: Final = "key_"
_EVENT_PREFIX: Final = "audit_log-"
_BOOTSTRAP_KEY: Final = "bootstrap_key"


def parse_account_id(text: str) -> str | None:
    """The canonical id, or None."""
    return ids.parse(text, _ACCOUNT_PREFIX)


def parse_key_id(text: str) -> str | None:
    """The canonical id, or None."""
    return ids.parse(text, _KEY_PREFIX)


def parse_event_id(text: str) -> str | None:
    """The canonical id of an entry of the audit log, or None."""
    return ids.parse(text, _EVENT_PREFIX)


def parse_resource_id(text: str) -> str | None:
    """The canonical id of whatever an act was done to, or None."""
    if text == ORGANIZATION:
        return text
    return parse_project_id(text) or parse_account_id(text) or parse_key_id(text)


def account_id(canonical: str) -> str:
    return f"{_ACCOUNT_PREFIX}{canonical}"


def key_id(canonical: str) -> str:
    return f"{_KEY_PREFIX}{canonical}"


def render_project(project: Project) -> dict[str, Any]:
    """`labels`, `weight` and `limits` are extensions. What this service has not is null."""
    return {
        "id": spell_project_id(project.id),
        "object": PROJECT,
        "name": project.name,
        "created_at": unix_seconds(project.created_at),
        "archived_at": unix_seconds(project.archived_at),
        "status": "archived" if project.is_archived else "active",
        "external_key_id": None,
        "residency": None,
        "labels": dict(project.labels),
        "weight": project.weight,
        "limits": {name: getattr(project.limits, name) for name in Limits.__struct_fields__},
    }


def render_account(account: ServiceAccount) -> dict[str, Any]:
    return {
        "id": account_id(account.id),
        "object": ACCOUNT,
        "name": account.name,
        "role": account.role,
        "created_at": unix_seconds(account.created_at),
    }


def render_new_account(account: ServiceAccount, key: tuple[ApiKey, Secret] | None) -> dict[str, Any]:
    """The answer to a create call: the account with its first key, if it got one."""
    return render_account(account) | {"api_key": render_new_key(*key) if key else None}


def render_new_key(key: ApiKey, secret: Secret) -> dict[str, Any]:
    """The answer to a create call, the only one that has the key's text."""
    return {
        "id": key_id(key.id),
        "object": f"{ACCOUNT}.api_key",
        "name": key.name,
        "value": secret.text,
        "created_at": unix_seconds(key.created_at),
        "expires_at": unix_seconds(key.expires_at),
        **_limits(key),
    }


def render_key(key: ApiKey, account: ServiceAccount | None, project: Project) -> dict[str, Any]:
    """`account` is the key's, None if it has just been deleted."""
    shown = None
    if account is not None:
        shown = {name: value for name, value in render_account(account).items() if name != "object"}
    return {
        "id": key_id(key.id),
        "object": KEY,
        "name": key.name,
        "redacted_value": _redacted(key),
        "created_at": unix_seconds(key.created_at),
        "last_used_at": unix_seconds(key.last_used_at),
        "expires_at": unix_seconds(key.expires_at),
        "owner": {"type": "service_account", "service_account": shown},
        "owner_project_access": "active" if account and not project.is_archived else "inactive",
        **_limits(key),
    }


def render_admin_key(key: ApiKey) -> dict[str, Any]:
    """There are no users here: the owner is the installation."""
    return {
        "id": key_id(key.id),
        "object": ADMIN_KEY,
        "name": key.name,
        "redacted_value": _redacted(key),
        "created_at": unix_seconds(key.created_at),
        "last_used_at": unix_seconds(key.last_used_at),
        "expires_at": unix_seconds(key.expires_at),
        "owner": {
            "type": "user",
            "object": "organization.user",
            "id": "operator",
            "name": "Operator",
            "created_at": unix_seconds(key.created_at),
            "role": "owner",
        },
    }


def render_new_admin_key(key: ApiKey, secret: Secret) -> dict[str, Any]:
    """The answer to a create call, the only one that has the key's text."""
    return render_admin_key(key) | {"value": secret.text}


def render_permissions(permissions: ModelPermissions) -> dict[str, Any]:
    return {
        "object": PERMISSIONS,
        "mode": permissions.mode,
        "model_ids": list(permissions.model_ids),
    }


def render_deleted(kind: str, object_id: str) -> dict[str, Any]:
    """`kind` is the object's, `object_id` as callers see it."""
    return {"id": object_id, "object": f"{kind}.deleted", "deleted": True}


def render_event(event: AuditEvent, project: Project | None) -> dict[str, Any]:
    """`project` is where it was done, None if that is in no project. The act itself is under the name of its type."""
    details = {name: msgspec.json.decode(text) for name, text in event.details.items()}
    shown: dict[str, Any] = {
        "id": f"{_EVENT_PREFIX}{event.id}",
        "type": event.type,
        "effective_at": unix_seconds(event.at),
        "actor": _render_actor(event.actor),
        event.type: {"id": _resource_id(event), **details},
    }
    return (
        shown if project is None else {**shown, "project": {"id": spell_project_id(project.id), "name": project.name}}
    )


def _render_actor(actor: Actor) -> dict[str, Any]:
    """As a key or, of a token, as a person who has signed in; `name` is an extension."""
    if actor.kind is ActorKind.TOKEN:
        return {"type": "session", "name": actor.name, "session": {"user": {"id": actor.id}}}
    spelled = key_id(actor.id) if actor.id else _BOOTSTRAP_KEY
    return {"type": "api_key", "name": actor.name, "api_key": {"id": spelled, "type": "user"}}


def _resource_id(event: AuditEvent) -> str:
    noun, found = event.type.partition(".")[0], event.resource_id or ""
    spelled = {"project": spell_project_id, "service_account": account_id, "api_key": key_id}
    return spelled.get(noun, str)(found)


def render_page(data: Sequence[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    return {
        "object": "list",
        "data": list(data),
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def render_spend_limit(limit: SpendLimit, models: Mapping[str, SpendLimit], used: int) -> dict[str, Any]:
    """`used`: picos that are spent or reserved in the window. `used`, `models` and `stops_batches` are extensions."""
    shown = {name: _spend_limit(each) for name, each in models.items()}
    return {**_used_limit(SPEND_LIMIT, limit, used), "models": shown}


def render_organization_limit(limit: SpendLimit, used: int) -> dict[str, Any]:
    """As a project's, but for single models."""
    return _used_limit(ORGANIZATION_LIMIT, limit, used)


def _used_limit(kind: str, limit: SpendLimit, used: int) -> dict[str, Any]:
    return {
        "object": kind,
        **_spend_limit(limit),
        "enforcement": {"status": "enforcing" if used >= limit.picos else "inactive"},
        "used": {"value": in_units(used), "currency": limit.currency},
    }


def render_rate_limit(deployment: Deployment, project: Project) -> dict[str, Any]:
    """Rates are the deployment's, for all projects together; null is no limit."""
    own = project.enqueued_tokens.get(deployment.name)
    return {
        "id": f"rl-{deployment.name}",
        "object": RATE_LIMIT,
        "model": deployment.name,
        "max_requests_per_1_minute": deployment.requests_per_minute,
        "max_tokens_per_1_minute": deployment.tokens_per_minute,
        "batch_1_day_max_input_tokens": deployment.enqueued_token_limit if own is None else own,
    }


def _spend_limit(limit: SpendLimit) -> dict[str, Any]:
    return {
        "currency": limit.currency,
        "interval": limit.interval.value,
        "threshold_amount": limit.threshold_amount,
        **({} if limit.stops_batches is None else {"stops_batches": limit.stops_batches}),
    }


def _limits(key: ApiKey) -> dict[str, Any]:
    """What the key may do, an extension: no scopes, all of a project; no models, those of the project."""
    return {
        "scopes": list(key.scopes),
        "models": list(key.models or ()),
        "labels": dict(key.labels),
        "max_priority": key.max_priority.value,
        "spend_limit": _spend_limit(key.spend_limit) if key.spend_limit else None,
    }


def _redacted(key: ApiKey) -> str:
    return f"{ADMIN_PREFIX if key.is_admin else PROJECT_PREFIX}...{key.ending}"
