"""What the routes of administration answer, as JSON Schema (contract 10.3). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from api.admin.rendered_alerts import ORGANIZATION_ALERT, PROJECT_ALERT
from api.admin.rendering import (
    ACCOUNT,
    ADMIN_KEY,
    KEY,
    ORGANIZATION_LIMIT,
    PERMISSIONS,
    PROJECT,
    RATE_LIMIT,
    SPEND_LIMIT,
)
from api.openapi.schemas import NUMBER, SECONDS, TEXT, TRUTH, WHOLE, Schema, one_of, only, or_null, page, record, ref
from shared.domain.keys.limits import Limits
from shared.domain.keys.new_spend_alert import CHANNEL, EMAIL
from shared.domain.keys.new_spend_limit import STOPS
from shared.domain.keys.priority import Priority
from shared.domain.keys.project import ModelMode
from shared.domain.keys.service_account import Role
from shared.domain.usage.spend_limit import Interval

TEXTS: Schema = {"type": "array", "items": TEXT}
LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
_NULL: Schema = {"type": "null"}
_SPEND_LIMIT: dict[str, Schema] = {
    "currency": TEXT,
    "interval": one_of(Interval),
    "threshold_amount": WHOLE,
    STOPS: TRUTH,
}
_USED_LIMIT: dict[str, Schema] = {
    **_SPEND_LIMIT,
    "enforcement": record({"status": one_of(("inactive", "enforcing"))}),
    "used": record({"value": NUMBER, "currency": TEXT}),
}
_ALERT: dict[str, Schema] = {
    "currency": TEXT,
    "interval": one_of(Interval),
    "threshold_amount": WHOLE,
    CHANNEL: record(
        {"type": only(EMAIL), "recipients": {"type": "array", "items": TEXT}, "subject_prefix": or_null(TEXT)}
    ),
    "told_for": or_null(TEXT),
}
_A_LIMIT = record(_SPEND_LIMIT, optional=(STOPS,))
_LIMITS: dict[str, Schema] = {
    "scopes": TEXTS,
    "models": TEXTS,
    "labels": LABELS,
    "max_priority": one_of(Priority),
    "spend_limit": or_null(_A_LIMIT),
}
_USE: dict[str, Schema] = {
    "redacted_value": TEXT,
    "created_at": SECONDS,
    "last_used_at": or_null(SECONDS),
    "expires_at": or_null(SECONDS),
}
_OWNER: dict[str, Schema] = {"id": TEXT, "name": TEXT, "role": one_of(Role), "created_at": SECONDS}
_ACCOUNT: dict[str, Schema] = {"object": only(ACCOUNT), **_OWNER}
_ADMIN_KEY: dict[str, Schema] = {
    "id": TEXT,
    "object": only(ADMIN_KEY),
    "name": TEXT,
    **_USE,
    "owner": record(
        {
            "type": only("user"),
            "object": only("organization.user"),
            "id": TEXT,
            "name": TEXT,
            "created_at": SECONDS,
            "role": only("owner"),
        }
    ),
}


EVENTS = (
    "organization.updated",
    *(f"project.{done}" for done in ("created", "updated", "archived")),
    *(f"{noun}.{done}" for noun in ("service_account", "api_key") for done in ("created", "updated", "deleted")),
)
_ANYTHING: Schema = {"type": "object"}
_ACT = record({"id": TEXT, "data": _ANYTHING, "changes_requested": _ANYTHING}, optional=("data", "changes_requested"))
_ACTOR = record(
    {
        "type": one_of(("api_key", "session")),
        "name": TEXT,
        "api_key": record({"id": TEXT, "type": only("user")}),
        "session": record({"user": record({"id": or_null(TEXT)})}),
    },
    optional=("api_key", "session"),
)


def _deleted(kind: str) -> Schema:
    return record({"id": TEXT, "object": only(f"{kind}.deleted"), "deleted": {"const": True}})


def _page(item: str) -> Schema:
    return page(item, or_null(TEXT), description="Newest first.")


ADMIN_COMPONENTS: Mapping[str, Schema] = {
    "Project": record(
        {
            "id": TEXT,
            "object": only(PROJECT),
            "name": TEXT,
            "created_at": SECONDS,
            "archived_at": or_null(SECONDS),
            "status": one_of(("active", "archived")),
            "external_key_id": _NULL,
            "residency": _NULL,
            "labels": LABELS,
            "weight": WHOLE,
            "limits": record({name: or_null(WHOLE) for name in Limits.__struct_fields__}),
        },
        description="`labels`, `weight` and `limits` are extensions.",
    ),
    "Projects": _page("Project"),
    "ServiceAccount": record(_ACCOUNT),
    "ServiceAccountWithKey": record({**_ACCOUNT, "api_key": or_null(ref("NewApiKey"))}),
    "ServiceAccounts": _page("ServiceAccount"),
    "DeletedServiceAccount": _deleted(ACCOUNT),
    "NewApiKey": record(
        {
            "id": TEXT,
            "object": only(f"{ACCOUNT}.api_key"),
            "name": TEXT,
            "value": TEXT,
            "created_at": SECONDS,
            "expires_at": or_null(SECONDS),
            **_LIMITS,
        },
        description="`value` is the key, in this answer alone. Its scopes and what follows them are extensions.",
    ),
    "ApiKey": record(
        {
            "id": TEXT,
            "object": only(KEY),
            "name": TEXT,
            **_USE,
            "owner": record({"type": only("service_account"), "service_account": or_null(record(_OWNER))}),
            "owner_project_access": one_of(("active", "inactive")),
            **_LIMITS,
        },
        description="`scopes` and what follows them are extensions. No scopes: all; no models: those of the project.",
    ),
    "ApiKeys": _page("ApiKey"),
    "DeletedApiKey": _deleted(KEY),
    "AdminApiKey": record(_ADMIN_KEY),
    "NewAdminApiKey": record({**_ADMIN_KEY, "value": TEXT}, description="`value` is the key, in this answer alone."),
    "AdminApiKeys": page("AdminApiKey", or_null(TEXT), description="Newest first without `order`."),
    "DeletedAdminApiKey": _deleted(ADMIN_KEY),
    "ModelPermissions": record({"object": only(PERMISSIONS), "mode": one_of(ModelMode), "model_ids": TEXTS}),
    "RateLimit": record(
        {
            "id": TEXT,
            "object": only(RATE_LIMIT),
            "model": TEXT,
            "max_requests_per_1_minute": or_null(WHOLE),
            "max_tokens_per_1_minute": or_null(WHOLE),
            "batch_1_day_max_input_tokens": or_null(WHOLE),
        },
        description="Rates are the deployment's, for all projects together. `batch_1_day_max_input_tokens` is about "
        "input tokens of batches that have not ended. Null is no limit.",
    ),
    "RateLimits": _page("RateLimit"),
    "SpendLimit": record(
        {
            "object": only(SPEND_LIMIT),
            **_USED_LIMIT,
            "models": {"type": "object", "additionalProperties": _A_LIMIT},
        },
        optional=(STOPS,),
        description="`threshold_amount` is in hundredths of the currency's unit. `used` (what is spent or reserved "
        "in the window), `models` and `stops_batches` (batches that run begin no new line once it is reached) are "
        "extensions.",
    ),
    "DeletedSpendLimit": record({"object": only(f"{SPEND_LIMIT}.deleted"), "deleted": {"const": True}}),
    "OrganizationLimit": record(
        {"object": only(ORGANIZATION_LIMIT), **_USED_LIMIT},
        optional=(STOPS,),
        description="Of all projects together; as a project's, but for `models`.",
    ),
    "DeletedOrganizationLimit": record({"object": only(f"{ORGANIZATION_LIMIT}.deleted"), "deleted": {"const": True}}),
    "SpendAlert": record(
        {"id": TEXT, "object": only(PROJECT_ALERT), **_ALERT},
        description="`told_for`, the first day of the newest window that it was told for, is an extension.",
    ),
    "SpendAlerts": _page("SpendAlert"),
    "DeletedSpendAlert": _deleted(PROJECT_ALERT),
    "OrganizationAlert": record(
        {"id": TEXT, "object": only(ORGANIZATION_ALERT), **_ALERT}, description="Of all projects together."
    ),
    "OrganizationAlerts": _page("OrganizationAlert"),
    "DeletedOrganizationAlert": _deleted(ORGANIZATION_ALERT),
    "DeletedModelPermissions": record({"object": only(f"{PERMISSIONS}.deleted"), "deleted": {"const": True}}),
    "AuditLog": record(
        {
            "id": TEXT,
            "type": one_of(EVENTS),
            "effective_at": SECONDS,
            "actor": _ACTOR,
            "project": record({"id": TEXT, "name": TEXT}),
            **dict.fromkeys(EVENTS, _ACT),
        },
        optional=("project", *EVENTS),
        description="What was done is under the name of its type. `name` of the actor is an extension.",
    ),
    "AuditLogs": _page("AuditLog"),
}
