"""Several targets of one deployment: read with all their mistakes, and what follows for the whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.domain.deployments.deployment import Deployment, Role, Target, UpstreamKind
from shared.domain.deployments.deployment_setting import parse_deployments
from shared.domain.deployments.target_setting import OF_A_TARGET

ONE, TWO = "https://one.example/v1", "https://two.example/v1"


def parse(entry: dict[str, Any], **environment: str) -> tuple[Deployment, list[str]]:
    found, problems = parse_deployments(json.dumps({"m": entry}), environment)
    return found.get("m", Deployment(name="m", base_url="")), problems


def problems(targets: Any, **entry: Any) -> list[str]:
    return parse({"targets": targets, **entry})[1]


def test_without_targets_the_address_is_the_only_one() -> None:
    """The list of one, without a name of its own."""
    found, _ = parse({"base_url": ONE, "max_concurrency": 3})

    assert found.upstreams == (Target(name="m", base_url=ONE, max_concurrency=3),)
    assert found.targets == ()


def test_a_target_has_what_it_leaves_out_from_its_deployment() -> None:
    """But for what is said of each: address and limits."""
    given = {
        "api_key_env": "KEY",
        "model": "big",
        "request_timeout_seconds": 9,
        "price": {"input": 2, "output": 8},
        "targets": [
            {"base_url": ONE, "max_concurrency": 3, "requests_per_minute": 60},
            {
                "name": "west",
                "base_url": TWO,
                "api_key": "own-key",
                "model": "large",
                "price": {"input": 1, "output": 4},
                "requests_per_minute": 30,
                "tokens_per_minute": 1000,
                "role": "Spill-Over",
                "weight": 2,
                "request_timeout_seconds": 11,
            },
        ],
    }
    found, mistakes = parse(given, KEY="shared-key")
    one, two = found.upstreams

    assert mistakes == []
    assert (one.target, one.api_key, one.model, one.role, one.weight) == ("1", "shared-key", "big", Role.PRIMARY, 1)
    assert (two.target, two.api_key, two.model, two.role, two.weight) == (
        "west",
        "own-key",
        "large",
        Role.SPILL_OVER,
        2,
    )
    assert ("m", "m/1", "m/west") == (one.name, one.full_name, two.full_name)
    assert (one.price, two.price and two.price.rates.input) == (found.price, 1_000_000)
    assert (one.request_timeout_seconds, two.request_timeout_seconds, found.request_timeout_seconds) == (9, 11, 11)


def test_limits_of_the_deployment_are_the_sums() -> None:
    """A limit that one of them does not have, the whole does not have."""
    found, _ = parse(
        {
            "targets": [
                {"base_url": ONE, "max_concurrency": 3, "requests_per_minute": 60},
                {"base_url": TWO, "requests_per_minute": 40, "tokens_per_minute": 5},
            ]
        }
    )

    assert (found.base_url, found.max_concurrency, found.requests_per_minute) == (ONE, 67, 100)
    assert found.tokens_per_minute is None


def test_each_address_is_put_right_by_itself() -> None:
    """One of Azure's beside one of another server."""
    azure = "https://x.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    found, mistakes = parse({"targets": [{"base_url": azure}, {"base_url": TWO}]})
    one, two = found.upstreams

    assert mistakes == []
    assert (one.kind, one.base_url, one.model) == (UpstreamKind.AZURE, "https://x.openai.azure.com", "gpt")
    assert (two.kind, two.model) == (UpstreamKind.OPENAI, None)


def test_the_primary_and_cheap_come_first() -> None:
    """By role, then by price: three tokens of input for one of output; what has no price costs nothing."""
    found, _ = parse(
        {
            "targets": [
                {"name": "free-spill", "base_url": ONE, "role": "spill_over"},
                {"name": "dear", "base_url": ONE, "price": {"input": 1, "output": 9}},
                {"name": "cheap", "base_url": ONE, "price": {"input": 2, "output": 1}},
                {"name": "own", "base_url": ONE},
            ]
        }
    )
    ordered = sorted(found.upstreams, key=lambda target: target.rank)

    assert [target.target for target in ordered] == ["own", "cheap", "dear", "free-spill"]


KNOWN = ", ".join(OF_A_TARGET)


@pytest.mark.parametrize(
    ("entry", "sentences"),
    [
        ({"targets": []}, [".targets: expected a list of objects such as "]),
        ({"targets": {"base_url": ONE}}, [".targets: expected a list of objects such as "]),
        ({"targets": [ONE]}, [".targets: expected a list of objects such as "]),
        ({"targets": [{"base_url": ONE}] * 33}, [".targets: there are 33 of them, at most 32 can be used"]),
        ({"targets": [{}]}, [".targets[0]: Object missing required field `base_url`"]),
        ({"targets": [{"base_url": "x"}]}, [".targets[0].base_url: expected an http:// or https:// URL, got 'x'"]),
        (
            {"base_url": ONE, "requests_per_minute": 5, "targets": [{"base_url": ONE}]},
            [
                ".base_url: give it in each of the targets instead",
                ".requests_per_minute: give it in each of the targets instead",
            ],
        ),
        (
            {"targets": [{"base_url": ONE, "colour": 1}]},
            [f".targets[0].colour: not a setting; the settings are {KNOWN}"],
        ),
        (
            {"targets": [{"base_url": ONE, "rpm": 1}]},
            [".targets[0].rpm: not a setting; did you mean requests_per_minute?"],
        ),
        ({"targets": [{"base_url": ONE, "endpoints": []}]}, [".targets[0].endpoints: not a setting; "]),
        (
            {"targets": [{"base_url": ONE, "role": "backup"}]},
            [".targets[0].role: expected one of primary, spill_over, got 'backup'"],
        ),
        (
            {"targets": [{"base_url": ONE, "weight": 0}]},
            [".targets[0].weight: expected a whole number above zero, got 0"],
        ),
        (
            {"targets": [{"base_url": ONE, "name": "a b"}]},
            [".targets[0].name: expected letters, digits and .:_- (64 at most), got 'a b'"],
        ),
        (
            {"targets": [{"base_url": ONE, "name": "a"}, {"base_url": TWO, "name": "a"}]},
            [".targets[1].name: 'a' is another target; give each its own name"],
        ),
        (
            {
                "targets": [
                    {"base_url": ONE, "price": {"input": 1}},
                    {"base_url": TWO, "price": {"input": 1, "currency": "EUR"}},
                ]
            },
            [".targets[1].price.currency: the targets need prices in one currency"],
        ),
        (  # What the deployment says is told once, and of the deployment.
            {"api_key_env": "KEY", "targets": [{"base_url": ONE}, {"base_url": TWO}]},
            [".api_key_env: the environment variable 'KEY' is not set"],
        ),
        (
            {"targets": [{"base_url": ONE, "api_key_env": "KEY"}]},
            [".targets[0].api_key_env: the environment variable 'KEY' is not set"],
        ),
        ({"targets": [{"base_url": ONE}], "endpoints": []}, [".endpoints: expected at least one of "]),
        (
            {"targets": [{"base_url": ONE, "name": ""}]},
            [".targets[0].name: expected letters, digits and .:_- (64 at most), got ''"],
        ),
    ],
)
def test_a_mistake_says_where_it_is(entry: dict[str, Any], sentences: list[str]) -> None:
    """Which target, which key, and what was expected."""
    found = parse(entry)[1]

    assert len(found) == len(sentences), found
    assert all(
        each.startswith(f"BATCH_DEPLOYMENTS['m']{sentence}") for each, sentence in zip(found, sentences, strict=True)
    ), found


def test_no_mistake_repeats_a_key() -> None:
    """Nor does a target show it."""
    found, mistakes = parse({"targets": [{"base_url": ONE, "api_key": "sk-very-secret", "weight": 0}]})

    assert "sk-very-secret" not in f"{mistakes} {found!r} {found.upstreams!r}"
