"""Deployments as models (contract 1.7). Pure.

Rule of this file: `id`, `object`, `created` and `owned_by` are OpenAI's; all else is ours, and left out where a version
documents its keys. Addresses and credentials of a deployment are nobody's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from api.edge.dialect import Dialect
from api.edge.rendered_values import documented, unix_seconds
from shared.domain.deployments.deployment import Deployment
from shared.domain.deployments.price import Price, Rates
from shared.domain.pace.deployment_health import DeploymentHealth
from shared.domain.usage.money import shown

OWNER: Final = "system"
_OF_OPENAI: Final = frozenset({"id", "object", "created", "owned_by"})
_MILLION: Final = 1_000_000


def render_models(dialect: Dialect, found: Iterable[tuple[Deployment, DeploymentHealth]]) -> dict[str, Any]:
    """OpenAI's list of models has no pages."""
    return {"object": "list", "data": [render_model(dialect, *each) for each in found]}


def render_model(dialect: Dialect, deployment: Deployment, health: DeploymentHealth) -> dict[str, Any]:
    """`created` is 0: when a setting was made, nobody keeps."""
    rendered = {
        "id": deployment.name,
        "object": "model",
        "created": 0,
        "owned_by": OWNER,
        "endpoints": [dialect.spell_endpoint(each) for each in sorted(deployment.endpoints) if _offers(dialect, each)],
        "limits": {
            "max_concurrency": deployment.max_concurrency,
            "requests_per_minute": deployment.requests_per_minute,
            "tokens_per_minute": deployment.tokens_per_minute,
            "enqueued_tokens": deployment.enqueued_token_limit,
        },
        "price": _price(deployment.price) if deployment.price else None,
        "health": {"status": health.status.value, "until": unix_seconds(health.until)},
    }
    return documented(rendered, None if dialect.batch_keys is None else _OF_OPENAI)


def _offers(dialect: Dialect, endpoint: str) -> bool:
    return endpoint in dialect.endpoints.values()


def _price(price: Price) -> dict[str, Any]:
    """For a million tokens, and for one image."""
    steps = [{"above_input_tokens": step.above_input_tokens, **_rates(step.rates)} for step in price.steps]
    return {"currency": price.currency, **_rates(price.rates), "steps": steps}


def _rates(rates: Rates) -> dict[str, float | None]:
    tokens = ("input", "cached_input", "cache_write", "output")
    return {name: shown(getattr(rates, name) * _MILLION) for name in tokens} | {"image": shown(rates.image)}
