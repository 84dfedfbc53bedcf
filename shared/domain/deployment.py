"""Deployments: which upstream answers for a model name, and how hard it may be driven.

Configuration (`BATCH_DEPLOYMENTS`) is one JSON object, name -> settings. `parse_deployments` collects every mistake
in it, each as one sentence naming the key and what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from shared.domain.token_method import TokenMethod, method_of_model

ENDPOINTS = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/images/edits",
    "/v1/images/generations",
    "/v1/moderations",
    "/v1/responses",
    "/v1/videos",
)


class UpstreamKind(StrEnum):
    """How the upstream wants to be called."""

    OPENAI = "openai"
    AZURE = "azure"


_CHOICES: Mapping[str, type[StrEnum]] = {"kind": UpstreamKind, "tokens": TokenMethod}


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Currency units per million tokens."""

    input: float = 0.0
    output: float = 0.0


class Deployment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, cache_hash=True):
    """One entry of `BATCH_DEPLOYMENTS`. `name` comes from the key; limits of None mean unlimited.

    `api_key` or `api_key_env` (the name of an environment variable) is the credential; neither, on kind `azure`,
    means managed identity (azure-identity); neither, on kind `openai`, means the upstream asks for none.
    """

    name: str
    base_url: str
    kind: UpstreamKind = UpstreamKind.OPENAI
    api_key: str | None = None
    api_key_env: str | None = None
    model: str | None = None
    api_version: str | None = None
    endpoints: tuple[str, ...] = ENDPOINTS
    max_concurrency: int = 64
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    enqueued_token_limit: int | None = None
    tokens: TokenMethod | None = None
    request_timeout_seconds: float = 600.0
    price: Price | None = None

    @property
    def token_method(self) -> TokenMethod:
        """How its input tokens are counted: as `tokens` says; else the upstream's name of the model tells."""
        return self.tokens or method_of_model(self.model or self.name)

    def __repr__(self) -> str:  # The credential never reaches a log.
        return f"Deployment({self.name!r}, {self.base_url!r}, {self.kind.value})"


def parse_deployments(text: str, environment: Mapping[str, str]) -> tuple[dict[str, Deployment], list[str]]:
    """The deployments by name, and every problem found; the deployments are complete only if there is no problem."""
    try:
        entries = msgspec.json.decode(text or "{}", type=dict[str, dict[str, Any]])
    except msgspec.DecodeError as error:
        return {}, [f"BATCH_DEPLOYMENTS is not a JSON object of objects, {{name: {{...}}}}: {error}"]
    deployments: dict[str, Deployment] = {}
    problems: list[str] = []
    for name, entry in entries.items():
        deployment, found = _parse_one(name, entry, environment)
        problems += found
        if deployment is not None:
            deployments[name] = deployment
    return deployments, problems


def _parse_one(name: str, entry: dict[str, Any], environment: Mapping[str, str]) -> tuple[Deployment | None, list[str]]:
    where = f"BATCH_DEPLOYMENTS[{name!r}]"
    known = [setting for setting in Deployment.__struct_fields__ if setting != "name"]
    problems = [
        f"{where}.{setting}: not a setting; the settings are {', '.join(known)}"
        for setting in entry
        if setting not in known
    ]
    try:
        deployment = msgspec.convert({key: entry[key] for key in entry if key in known} | {"name": name}, Deployment)
    except msgspec.ValidationError as error:
        unknown = [f"{where}.{problem}" for problem in _unknown_choices(entry)]
        return None, [*problems, *(unknown or [f"{where}: {error}"])]
    problems += [f"{where}.{problem}" for problem in _mistakes(deployment, environment)]
    if deployment.api_key_env and not problems:
        deployment = msgspec.structs.replace(deployment, api_key=environment[deployment.api_key_env])
    return deployment, problems


def _unknown_choices(entry: dict[str, Any]) -> list[str]:
    return [
        f"{setting}: expected one of {', '.join(choices)}, got {entry[setting]!r}"
        for setting, choices in _CHOICES.items()
        if entry.get(setting) is not None and entry[setting] not in list(choices)
    ]


def _mistakes(deployment: Deployment, environment: Mapping[str, str]) -> list[str]:
    problems = []
    if not deployment.base_url.startswith(("http://", "https://")):
        problems.append(f"base_url: expected an http:// or https:// URL, got {deployment.base_url!r}")
    if deployment.api_key and deployment.api_key_env:
        problems.append("api_key: give api_key or api_key_env, not both")
    if deployment.api_key_env and not environment.get(deployment.api_key_env):
        problems.append(f"api_key_env: the environment variable {deployment.api_key_env!r} is not set")
    if not deployment.endpoints:
        problems.append(f"endpoints: expected at least one of {', '.join(ENDPOINTS)}")
    for endpoint in deployment.endpoints:
        if endpoint not in ENDPOINTS:
            problems.append(f"endpoints: {endpoint!r} is not one of {', '.join(ENDPOINTS)}")
    for limit in ("max_concurrency", "requests_per_minute", "tokens_per_minute", "enqueued_token_limit"):
        value = getattr(deployment, limit)
        if value is not None and value < 1:
            problems.append(f"{limit}: expected a whole number above zero, got {value}")
    if deployment.request_timeout_seconds <= 0:
        problems.append(
            f"request_timeout_seconds: expected seconds above zero, got {deployment.request_timeout_seconds}"
        )
    return problems
