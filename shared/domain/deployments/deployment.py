"""Deployments: which upstream answers for a model name, and how hard it may be driven.

Configuration (`BATCH_DEPLOYMENTS`, or a file) is one object, name -> settings. `parse_deployments` collects every
mistake in it, each as one sentence naming the key and what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import inf
from typing import Any

import msgspec

from shared.domain.deployments.base_url import (
    API_VERSIONS,
    WrongAddress,
    azure_address,
    is_api_version,
    is_azure,
    openai_address,
)
from shared.domain.deployments.credential import AROUND, key_problem, variable_problem
from shared.domain.deployments.json_setting import read_objects
from shared.domain.deployments.near_miss import did_you_mean
from shared.domain.deployments.price import Price
from shared.domain.deployments.price_setting import read_price
from shared.domain.deployments.toml_file import read_tables
from shared.domain.endpoints import ENDPOINTS
from shared.domain.usage.tokens import TokenMethod, method_of_model


class UpstreamKind(StrEnum):
    """How the upstream wants to be called."""

    OPENAI = "openai"
    AZURE = "azure"


_CHOICES: Mapping[str, type[StrEnum]] = {"kind": UpstreamKind, "tokens": TokenMethod}


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
    endpoints: tuple[str, ...] = tuple(ENDPOINTS)
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


# What other programs call a setting -> what it is called here.
_ELSEWHERE: Mapping[str, str] = {
    "api_base": "base_url",
    "azure_deployment": "model",
    "azure_endpoint": "base_url",
    "endpoint": "base_url",
    "key": "api_key",
    "rpm": "requests_per_minute",
    "timeout": "request_timeout_seconds",
    "tpm": "tokens_per_minute",
    "type": "kind",
    "url": "base_url",
}


SETTING = "BATCH_DEPLOYMENTS"


def parse_deployments(
    text: str, environment: Mapping[str, str], source: str = SETTING
) -> tuple[dict[str, Deployment], list[str]]:
    """The deployments by name, and every problem found; the deployments are complete only if there is no problem.

    `source` is what holds the text, as problems name it: the setting, or a file, in TOML if it is called so.
    """
    entries, problems = read_entries(text, source)
    deployments: dict[str, Deployment] = {}
    for name, entry in entries.items():
        deployment, found = _parse_one(f"{source}[{name.strip(AROUND)!r}]", name.strip(AROUND), entry, environment)
        problems += found
        if deployment is not None:
            deployments[deployment.name] = deployment
    return deployments, problems


def read_entries(text: str, source: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """What the text says, name -> settings, unchecked; and what keeps it from being read."""
    return read_tables(source, text) if source.endswith(".toml") else read_objects(source, text)


def _parse_one(
    where: str, name: str, entry: dict[str, Any], environment: Mapping[str, str]
) -> tuple[Deployment | None, list[str]]:
    if not name:
        return None, [f"{where}: a deployment needs a name; callers give it as `model`"]
    known = [setting for setting in Deployment.__struct_fields__ if setting != "name"]
    problems = [f"{where}.{each}: not a setting; {_advice(each, known)}" for each in entry if each not in known]
    given = _cleaned({key: entry[key] for key in entry if key in known})
    price = given.pop("price", None)
    try:
        deployment = msgspec.convert(given | {"name": name}, Deployment)
    except msgspec.ValidationError as error:
        unknown = [f"{where}.{problem}" for problem in _unknown_choices(given)]
        return None, [*problems, *(unknown or [f"{where}: {error}"])]
    deployment, found = _put_right(deployment)
    deployment, wrong = _priced(deployment, price)
    found += wrong + _credential_mistakes(deployment, environment) + _mistakes(deployment)
    problems += [f"{where}.{problem}" for problem in found]
    if deployment.api_key_env and not problems:
        key = environment[deployment.api_key_env].strip(AROUND)
        deployment = msgspec.structs.replace(deployment, api_key=key)
    return deployment, problems


def _advice(setting: str, known: Sequence[str]) -> str:
    meant = _ELSEWHERE.get(setting.lower()) or did_you_mean(setting, known)
    return f"did you mean {meant}?" if meant else f"the settings are {', '.join(known)}"


def _cleaned(entry: dict[str, Any]) -> dict[str, Any]:
    """Texts without what surrounds them, endpoints as they are called here, and Azure's kind where the host says it."""
    clean = {key: value.strip(AROUND) if isinstance(value, str) else value for key, value in entry.items()}
    if isinstance(clean.get("kind"), str):
        clean["kind"] = clean["kind"].lower()
    if isinstance(endpoints := clean.get("endpoints"), list):
        clean["endpoints"] = [_endpoint(each) if isinstance(each, str) else each for each in endpoints]
    if "kind" not in clean and isinstance(url := clean.get("base_url"), str) and is_azure(url):
        clean["kind"] = UpstreamKind.AZURE.value
    return clean


def _endpoint(text: str) -> str:
    """`chat/completions`, `/chat/completions/`, `v1/chat/completions` -> `/v1/chat/completions`."""
    path = "/v1/" + text.strip(AROUND).strip("/").removeprefix("v1/")
    return path if path in ENDPOINTS else text


def _put_right(deployment: Deployment) -> tuple[Deployment, list[str]]:
    """The deployment with what its address says beside the place, and what is wrong with the address."""
    try:
        if deployment.kind is UpstreamKind.OPENAI:
            openai_address(deployment.base_url)
            return deployment, []
        address = azure_address(deployment.base_url)
    except WrongAddress as error:
        return deployment, [f"base_url: {error}"]
    said = {"model": address.deployment, "api_version": address.api_version}
    found = [
        f"{setting}: base_url says {value!r}; keep one of the two"
        for setting, value in said.items()
        if value and getattr(deployment, setting) not in (None, value)
    ]
    changes = {setting: value for setting, value in said.items() if value}
    return msgspec.structs.replace(deployment, base_url=address.base_url, **changes), found


def _priced(deployment: Deployment, price: Any) -> tuple[Deployment, list[str]]:
    if price is None:
        return deployment, []
    read, found = read_price(price)
    return msgspec.structs.replace(deployment, price=read), found


def _unknown_choices(entry: dict[str, Any]) -> list[str]:
    return [
        f"{setting}: expected one of {', '.join(choices)}, got {entry[setting]!r}"
        for setting, choices in _CHOICES.items()
        if entry.get(setting) is not None and entry[setting] not in list(choices)
    ]


def _credential_mistakes(deployment: Deployment, environment: Mapping[str, str]) -> list[str]:
    problems = []
    if deployment.api_key and deployment.api_key_env:
        problems.append("api_key: give api_key or api_key_env, not both")
    if deployment.api_key and (problem := key_problem(deployment.api_key)):
        problems.append(f"api_key: {problem}")
    if deployment.api_key_env and (problem := variable_problem(deployment.api_key_env, environment)):
        problems.append(f"api_key_env: {problem}")
    return problems


def _mistakes(deployment: Deployment) -> list[str]:
    problems = []
    if deployment.api_version is not None and (problem := _version_problem(deployment, deployment.api_version)):
        problems.append(f"api_version: {problem}")
    if not deployment.endpoints:
        problems.append(f"endpoints: expected at least one of {', '.join(ENDPOINTS)}")
    for endpoint in deployment.endpoints:
        if endpoint not in ENDPOINTS:
            problems.append(f"endpoints: {endpoint!r} is not one of {', '.join(ENDPOINTS)}")
    for limit in ("max_concurrency", "requests_per_minute", "tokens_per_minute", "enqueued_token_limit"):
        value = getattr(deployment, limit)
        if value is not None and value < 1:
            problems.append(f"{limit}: expected a whole number above zero, got {value}")
    if not 0 < deployment.request_timeout_seconds < inf:
        problems.append(
            f"request_timeout_seconds: expected seconds above zero, got {deployment.request_timeout_seconds}"
        )
    return problems


def _version_problem(deployment: Deployment, version: str) -> str | None:
    if deployment.kind is UpstreamKind.OPENAI:
        return "kind openai sends none: leave it out, or say kind: azure if the upstream is Azure's"
    return None if is_api_version(version) else f"{API_VERSIONS}, got {version!r}"
