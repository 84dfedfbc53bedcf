"""Deployments as models (contract 1.7). Pure.

Rule of this file: `id`, `object`, `created` and `owned_by` are OpenAI's; all else is ours, and left out where a version
documents its keys. Addresses and credentials of a deployment are nobody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from api.edge.dialect import Dialect
from api.edge.rendered_values import documented, unix_seconds
from shared.domain.deployments.deployment import Deployment, Target
from shared.domain.deployments.price import Price, Rates
from shared.domain.pace.deployment_health import DeploymentHealth, Health
from shared.domain.pace.target_state import TargetState
from shared.domain.usage.money import shown

OWNER: Final = "system"
_OF_OPENAI: Final = frozenset({"id", "object", "created", "owned_by"})
_MILLION: Final = 1_000_000


class Fare(NamedTuple):
    """How a deployment fares, and each of its targets that somebody uses now."""

    health: DeploymentHealth
    targets: Sequence[TargetState] = ()


def render_models(dialect: Dialect, found: Iterable[tuple[Deployment, Fare]]) -> dict[str, Any]:
    """OpenAI's list of models has no pages."""
    return {"object": "list", "data": [render_model(dialect, *each) for each in found]}


def render_model(dialect: Dialect, deployment: Deployment, fare: Fare) -> dict[str, Any]:
    """`created` is 0: when a setting was made, nobody keeps."""
    rendered = {
        "id": deployment.name,
        "object": "model",
        "created": 0,
        "owned_by": OWNER,
        "endpoints": [dialect.spell_endpoint(each) for each in sorted(deployment.endpoints) if _offers(dialect, each)],
        "limits": {**_rates_of(deployment), "enqueued_tokens": deployment.enqueued_token_limit},
        "price": _price(deployment.price) if deployment.price else None,
        "health": _health(fare.health.status, fare.health.until),
        **_targets(deployment, fare.targets),
    }
    return documented(rendered, None if dialect.batch_keys is None else _OF_OPENAI)


def _rates_of(deployment: Deployment) -> dict[str, int | None]:
    names = ("max_concurrency", "requests_per_minute", "tokens_per_minute")
    return {name: getattr(deployment, name) for name in names}


def _health(status: Health, until: datetime | None) -> dict[str, Any]:
    return {"status": status.value, "until": unix_seconds(until)}


def _targets(deployment: Deployment, states: Sequence[TargetState]) -> dict[str, Any]:
    """Where it has several; what nobody uses now is well. A reason may quote an upstream: none is shown."""
    found = {state.name: state for state in states}
    shown = [_target(target, found.get(target.target)) for target in deployment.targets]
    return {"targets": shown} if shown else {}


def _target(target: Target, state: TargetState | None) -> dict[str, Any]:
    return {
        "name": target.target,
        "role": target.role.value,
        "weight": target.weight,
        "limits": _rates_of(target),
        "health": _health(state.status, state.until) if state else _health(Health.OK, None),
    }


def _offers(dialect: Dialect, endpoint: str) -> bool:
    return endpoint in dialect.endpoints.values()


def _price(price: Price) -> dict[str, Any]:
    """For a million tokens, and for one image."""
    steps = [{"above_input_tokens": step.above_input_tokens, **_rates(step.rates)} for step in price.steps]
    return {"currency": price.currency, **_rates(price.rates), "steps": steps}


def _rates(rates: Rates) -> dict[str, float | None]:
    tokens = ("input", "cached_input", "cache_write", "output")
    return {name: shown(getattr(rates, name) * _MILLION) for name in tokens} | {"image": shown(rates.image)}
