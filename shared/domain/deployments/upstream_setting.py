"""What an operator says of one upstream, a deployment's or a target's: put right, or every mistake in it. Pure.

Rule of this file: a problem begins with the key it is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import inf
from typing import Any, Final, TypeVar

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
from shared.domain.deployments.deployment import Deployment, Role, UpstreamKind
from shared.domain.deployments.near_miss import did_you_mean
from shared.domain.deployments.price_setting import read_price
from shared.domain.endpoints import ENDPOINTS
from shared.domain.usage.tokens import TokenMethod

_CHOICES: Final[Mapping[str, type[StrEnum]]] = {"kind": UpstreamKind, "tokens": TokenMethod, "role": Role}
_WHOLE: Final = ("max_concurrency", "requests_per_minute", "tokens_per_minute", "enqueued_token_limit", "weight")

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

Upstream = TypeVar("Upstream", bound=Deployment)


def read_upstream(
    struct: type[Upstream], given: Mapping[str, Any], environment: Mapping[str, str], /, **fixed: Any
) -> tuple[Upstream | None, list[str]]:
    """A deployment or target of what is `given`, whose keys are known, and of what is `fixed`; and every problem.

    Its key is read from the environment where there is no problem.
    """
    clean = _cleaned(given)
    price = clean.pop("price", None)
    try:
        found = msgspec.convert(clean | fixed, struct)
    except msgspec.ValidationError as error:
        return None, _unknown_choices(clean) or [f": {error}"]
    found, problems = _put_right(found)
    found, wrong = _priced(found, price)
    problems += wrong + _credential_mistakes(found, environment) + _mistakes(found)
    if found.api_key_env and not problems:
        key = environment[found.api_key_env].strip(AROUND)
        found = msgspec.structs.replace(found, api_key=key)
    return found, problems


def unknown_settings(given: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    return [f"{each}: not a setting; {_advice(each, known)}" for each in given if each not in known]


def _advice(setting: str, known: Sequence[str]) -> str:
    meant = _ELSEWHERE.get(setting.lower()) or did_you_mean(setting, known)
    return f"did you mean {meant}?" if meant else f"the settings are {', '.join(known)}"


def _cleaned(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Texts without what surrounds them, endpoints as they are called here, and Azure's kind where the host says it."""
    clean = {key: value.strip(AROUND) if isinstance(value, str) else value for key, value in entry.items()}
    for choice in ("kind", "role"):
        if isinstance(clean.get(choice), str):
            clean[choice] = clean[choice].lower().replace("-", "_")
    if isinstance(endpoints := clean.get("endpoints"), list):
        clean["endpoints"] = [_endpoint(each) if isinstance(each, str) else each for each in endpoints]
    if "kind" not in clean and isinstance(url := clean.get("base_url"), str) and is_azure(url):
        clean["kind"] = UpstreamKind.AZURE.value
    return clean


def _endpoint(text: str) -> str:
    """`chat/completions`, `/chat/completions/`, `v1/chat/completions` -> `/v1/chat/completions`."""
    path = "/v1/" + text.strip(AROUND).strip("/").removeprefix("v1/")
    return path if path in ENDPOINTS else text


def _put_right(deployment: Upstream) -> tuple[Upstream, list[str]]:
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


def _priced(deployment: Upstream, price: Any) -> tuple[Upstream, list[str]]:
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
    for limit in _WHOLE:
        value = getattr(deployment, limit, None)
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
