"""Models, and who is calling, in the OpenAPI document: what they answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from api.models.rendering import OWNER
from api.openapi.operation import Operation, ok
from api.openapi.schemas import NUMBER, SECONDS, TEXT, WHOLE, Schema, one_of, only, or_null, record, ref
from shared.domain.deployments.deployment import Role
from shared.domain.errors import NotFound
from shared.domain.keys.priority import Priority
from shared.domain.keys.scopes import Scope
from shared.domain.pace.deployment_health import Health
from shared.domain.usage.spend_limit import Interval

_RATES = dict.fromkeys(("input", "cached_input", "cache_write", "output", "image"), NUMBER)
_STEP = record({"above_input_tokens": WHOLE, **_RATES})
_PRICE = record(
    {"currency": TEXT, **_RATES, "steps": {"type": "array", "items": _STEP}},
    description="For a million tokens, and for one image.",
)
_PACE: Mapping[str, Schema] = {
    "max_concurrency": WHOLE,
    **dict.fromkeys(("requests_per_minute", "tokens_per_minute"), or_null(WHOLE)),
}
_LIMITS = record({**_PACE, "enqueued_tokens": or_null(WHOLE)})
_HEALTH = record({"status": one_of(Health), "until": or_null(SECONDS)})
_TARGET = record({"name": TEXT, "role": one_of(Role), "weight": WHOLE, "limits": record(_PACE), "health": _HEALTH})
_EXTENSIONS: Mapping[str, Schema] = {
    "endpoints": {"type": "array", "items": TEXT},
    "limits": _LIMITS,
    "price": or_null(_PRICE),
    "health": _HEALTH,
    "targets": {"type": "array", "items": _TARGET},
}
_MODEL = record(
    {"id": TEXT, "object": only("model"), "created": WHOLE, "owned_by": only(OWNER), **_EXTENSIONS},
    optional=tuple(_EXTENSIONS),
    description="All but the first four are extensions; Azure classic does not show them.",
)
_SPEND_LIMIT = record(
    {
        "of": one_of(("project", "model", "api_key")),
        "model": or_null(TEXT),
        "currency": TEXT,
        "interval": one_of(Interval),
        "limit": NUMBER,
        "used": NUMBER,
        "left": NUMBER,
        "renews_at": or_null(SECONDS),
    }
)
_CALLER = record(
    {
        "object": only("caller"),
        "name": TEXT,
        "api_key_id": or_null(TEXT),
        "project": or_null(record({"id": TEXT, "name": TEXT})),
        "scopes": {"type": "array", "items": one_of(scope for scope in Scope if scope is not Scope.ANY)},
        "models": {"type": "array", "items": TEXT},
        "priorities": {"type": "array", "items": one_of(Priority)},
        "spend_limits": {"type": "array", "items": _SPEND_LIMIT},
    },
    description="What the key, or the token, opens. An extension.",
)

MODEL_COMPONENTS: Mapping[str, Schema] = {
    "Model": _MODEL,
    "Models": record({"object": only("list"), "data": {"type": "array", "items": ref("Model")}}),
    "Caller": _CALLER,
}
MODELS: Mapping[str, Operation] = {
    "list_models": Operation(tag="Models", summary="List the models that the key may use", answers=ok("Models")),
    "retrieve_model": Operation(tag="Models", summary="Retrieve a model", answers=ok("Model"), raises=(NotFound,)),
    "retrieve_caller": Operation(tag="Models", summary="Who is calling (an extension)", answers=ok("Caller")),
}
