"""The `targets` of a deployment: several upstreams for one model name. Pure.

Rule of this file: what a target leaves out it has from its deployment, but for its address and its limits, which are
said of each; a problem begins with the place it is in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from shared.domain.deployments.credential import AROUND
from shared.domain.deployments.deployment import Deployment, Target
from shared.domain.deployments.upstream_setting import read_upstream, unknown_settings

TARGETS: Final = "targets"
MOST_TARGETS: Final = 32  # A lane's heartbeat tells of each.
_CREDENTIAL: Final = ("api_key", "api_key_env")
_OF_BOTH: Final = ("kind", *_CREDENTIAL, "model", "api_version", "request_timeout_seconds", "price")
_LIMITS: Final = ("max_concurrency", "requests_per_minute", "tokens_per_minute")
_OF_TARGETS: Final = ("base_url", *_LIMITS)
OF_A_TARGET: Final = ("name", *_OF_TARGETS, *_OF_BOTH, "role", "weight")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,63}", re.ASCII)
_EXAMPLE: Final = '[{"base_url": "https://one.example/v1"}, {"base_url": "https://two.example/v1"}]'


def read_targets(
    name: str, given: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[Deployment | None, list[str]]:
    """The deployment called `name`, whose targets are listed; and every problem."""
    entries = given[TARGETS]
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        return None, [f"{TARGETS}: expected a list of objects such as {_EXAMPLE}"]
    if len(entries) > MOST_TARGETS:
        return None, [f"{TARGETS}: there are {len(entries)} of them, at most {MOST_TARGETS} can be used"]
    problems = [f"{each}: give it in each of the {TARGETS} instead" for each in _OF_TARGETS if each in given]
    shared = {key: given[key] for key in _OF_BOTH if key in given}
    targets: list[Target] = []
    for number, entry in enumerate(entries):
        target, found = _read_one(name, number, entry, shared, environment)
        problems += [each for each in found if each not in problems]
        targets += [target] if target else []
    if len(targets) < len(entries):
        return None, problems
    problems += _alike(targets)
    own = {key: value for key, value in given.items() if key not in (TARGETS, *_OF_TARGETS)}
    fixed = _of_all(targets, own) if not problems else {"base_url": targets[0].base_url, "kind": targets[0].kind}
    deployment, found = read_upstream(Deployment, own, environment, name=name, **fixed)
    problems += [each for each in found if each not in problems and not each.startswith("base_url:")]
    return (msgspec.structs.replace(deployment, targets=tuple(targets)) if deployment else None), problems


def _read_one(
    name: str, number: int, entry: dict[str, Any], shared: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[Target | None, list[str]]:
    """What is wrong with something that the deployment says is told of the deployment."""
    where = f"{TARGETS}[{number}]"
    unknown = [f"{where}.{problem}" for problem in unknown_settings(entry, OF_A_TARGET)]
    own = {key: entry[key] for key in entry if key in OF_A_TARGET and key != "name"}
    inherited = {key: value for key, value in shared.items() if not (key in _CREDENTIAL and _has_key(own))}
    target, found = read_upstream(Target, inherited | own, environment, name=name, target=_name(number, entry))
    problems = [*unknown, *(_placed(where, problem, inherited, own) for problem in found)]
    if target is not None and not _NAME.fullmatch(target.target):
        problems.append(f"{where}.name: expected letters, digits and .:_- (64 at most), got {entry['name']!r}")
    return target, problems


def _name(number: int, entry: Mapping[str, Any]) -> str:
    """As it is given; else its number, from 1. Callers see it, so it is not the address."""
    return str(entry.get("name", number + 1)).strip(AROUND)


def _has_key(own: Mapping[str, Any]) -> bool:
    return any(each in own for each in _CREDENTIAL)


def _placed(where: str, problem: str, inherited: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    setting = re.split(r"[.:\[]", problem, maxsplit=1)[0]
    if setting in inherited and setting not in own:
        return problem
    return f"{where}{problem}" if problem.startswith(":") else f"{where}.{problem}"


def _alike(targets: Sequence[Target]) -> list[str]:
    """Names that come twice, and prices that cannot be compared."""
    problems = []
    for number, target in enumerate(targets):
        before = targets[:number]
        if any(other.target == target.target for other in before):
            problems.append(f"{TARGETS}[{number}].name: {target.target!r} is another target; give each its own name")
        currencies = {other.price.currency for other in before if other.price}
        if target.price and currencies - {target.price.currency}:
            problems.append(f"{TARGETS}[{number}].price.currency: the {TARGETS} need prices in one currency")
    return problems


def _of_all(targets: Sequence[Target], own: Mapping[str, Any]) -> dict[str, Any]:
    """What holds for all of them together: sums of limits, and no limit where one has none."""
    limits = {
        limit: sum(values) if all(values) else None
        for limit in _LIMITS
        if (values := [getattr(target, limit) or 0 for target in targets])
    }
    first = targets[0]
    model = {} if "model" in own else {"model": first.model}
    longest = max(target.request_timeout_seconds for target in targets)
    return {"base_url": first.base_url, "kind": first.kind, "request_timeout_seconds": longest, **model, **limits}
