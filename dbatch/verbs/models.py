"""`dbatch models`: what the key may name as a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from dbatch.console import exact, moment, say, show
from dbatch.service import connect

_PRICES = ("input", "output")


@click.command(short_help="List the models that batches may name.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, as the service has them.")
def models(*, as_json: bool) -> None:
    """List the models that batches may name, with price, limits and health where the service tells them."""
    with connect() as client:
        found = [model.to_dict() for model in client.models.list()]
    if as_json:
        for model in found:
            click.echo(json.dumps(model))
    elif not found:
        say("There are no models for this key. Whoever runs the service sets them in BATCH_DEPLOYMENTS.")
    elif any("endpoints" in model for model in found):
        heads = ("model", "health", "price per million tokens", "limits", "endpoints")
        show(heads, [row(model) for model in found])
    else:
        show(("model", "owned by"), [(str(model["id"]), str(model.get("owned_by", ""))) for model in found])


def row(model: Mapping[str, Any]) -> tuple[str, ...]:
    """Name, health, price, limits, endpoints."""
    endpoints = ", ".join(each.removeprefix("/v1/") for each in model.get("endpoints") or [])
    return str(model["id"]), _health(model), _price(model), _limits(model), endpoints


def _health(model: Mapping[str, Any]) -> str:
    """Of the model; where it has several upstreams, also of each that is not well."""
    unwell = [each for each in model.get("targets") or [] if (each.get("health") or {}).get("status") != "ok"]
    told = ", ".join(f"{each['name']} {_told(each)}" for each in unwell)
    return f"{_told(model)} ({told})" if told else _told(model)


def _told(of: Mapping[str, Any]) -> str:
    health = of.get("health") or {}
    until = f" until {moment(health['until'])}" if health.get("until") else ""
    return f"{health.get('status', '')}{until}"


def _price(model: Mapping[str, Any]) -> str:
    price = model.get("price") or {}
    told = [f"{exact(price[each])} {each}" for each in _PRICES if price.get(each) is not None]
    return f"{', '.join(told)} {price.get('currency', '')}".strip() if told else "-"


def _limits(model: Mapping[str, Any]) -> str:
    words = {
        "max_concurrency": "at once",
        "requests_per_minute": "requests/min",
        "tokens_per_minute": "tokens/min",
        "enqueued_tokens": "tokens enqueued",
    }
    limits = model.get("limits") or {}
    return ", ".join(f"{limits[key]:,} {word}" for key, word in words.items() if limits.get(key)) or "-"
