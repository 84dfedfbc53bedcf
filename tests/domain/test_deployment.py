"""Deployments: one JSON object in, or every mistake in it as a sentence."""

from __future__ import annotations

import json

import pytest

from shared.domain.deployment import ENDPOINTS, Deployment, Price, UpstreamKind, parse_deployments

URL = "https://upstream.example/v1"


def problems(entry: object, environment: dict[str, str] | None = None) -> list[str]:
    return parse_deployments(json.dumps({"small": entry}), environment or {})[1]


def test_an_address_is_all_a_deployment_needs() -> None:
    """Everything else has a default."""
    assert parse_deployments(json.dumps({"small": {"base_url": URL}}), {}) == (
        {"small": Deployment(name="small", base_url=URL)},
        [],
    )


def test_every_setting_is_taken_over() -> None:
    """Names and types as documented."""
    entry = {
        "base_url": URL,
        "kind": "azure",
        "model": "m",
        "api_version": "2024-10-21",
        "endpoints": ["/v1/embeddings"],
        "max_concurrency": 3,
        "requests_per_minute": 4,
        "tokens_per_minute": 5,
        "enqueued_token_limit": 6,
        "request_timeout_seconds": 7,
        "price": {"input": 1.5, "output": 2},
    }
    found, mistakes = parse_deployments(json.dumps({"small": entry}), {})
    assert mistakes == []
    assert found["small"] == Deployment(
        name="small",
        base_url=URL,
        kind=UpstreamKind.AZURE,
        model="m",
        api_version="2024-10-21",
        endpoints=("/v1/embeddings",),
        max_concurrency=3,
        requests_per_minute=4,
        tokens_per_minute=5,
        enqueued_token_limit=6,
        request_timeout_seconds=7,
        price=Price(input=1.5, output=2),
    )


def test_a_key_may_come_from_the_environment() -> None:
    """`api_key_env` names the variable."""
    text = json.dumps({"small": {"base_url": URL, "api_key_env": "KEY"}})
    assert parse_deployments(text, {"KEY": "secret"})[0]["small"].api_key == "secret"


def test_the_key_is_in_no_repr() -> None:
    """The credential never reaches a log."""
    assert "secret" not in repr(Deployment(name="small", base_url=URL, api_key="secret"))


@pytest.mark.parametrize("text", ["", "{}"])
def test_no_deployments_are_no_mistake(text: str) -> None:
    """A service may start before it has any."""
    assert parse_deployments(text, {}) == ({}, [])


SETTINGS = (
    "base_url, kind, api_key, api_key_env, model, api_version, endpoints, max_concurrency, requests_per_minute, "
    "tokens_per_minute, enqueued_token_limit, tokens, request_timeout_seconds, price"
)


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"small": 1}'])
def test_what_is_no_object_of_objects_says_what_is_expected(text: str) -> None:
    """One sentence, and no deployments."""
    found, (problem,) = parse_deployments(text, {})
    assert found == {}
    assert problem.startswith("BATCH_DEPLOYMENTS is not a JSON object of objects, {name: {...}}: ")


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({}, ": Object missing required field `base_url`"),
        ({"base_url": URL, "colour": 1}, f".colour: not a setting; the settings are {SETTINGS}"),
        ({"base_url": URL, "kind": "other"}, ".kind: expected one of openai, azure, got 'other'"),
        ({"base_url": URL, "kind": None}, ": Expected `str`, got `null` - at `$.kind`"),
        ({"base_url": URL, "tokens": []}, ".tokens: expected one of o200k_base, cl100k_base, estimate, got []"),
        ({"base_url": URL, "max_concurrency": "8"}, ": Expected `int`, got `str` - at `$.max_concurrency`"),
        ({"base_url": URL, "name": "x"}, f".name: not a setting; the settings are {SETTINGS}"),
        ({"base_url": "upstream"}, ".base_url: expected an http:// or https:// URL, got 'upstream'"),
        ({"base_url": URL, "api_key": "a", "api_key_env": "B"}, ".api_key: give api_key or api_key_env, not both"),
        ({"base_url": URL, "max_concurrency": 0}, ".max_concurrency: expected a whole number above zero, got 0"),
        (
            {"base_url": URL, "enqueued_token_limit": -1},
            ".enqueued_token_limit: expected a whole number above zero, got -1",
        ),
        (
            {"base_url": URL, "request_timeout_seconds": 0},
            ".request_timeout_seconds: expected seconds above zero, got 0.0",
        ),
        ({"base_url": URL, "endpoints": ["/v1/x"]}, f".endpoints: '/v1/x' is not one of {', '.join(ENDPOINTS)}"),
        ({"base_url": URL, "endpoints": []}, f".endpoints: expected at least one of {', '.join(ENDPOINTS)}"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_its_key(entry: dict[str, object], sentence: str) -> None:
    """Where it is, and what was expected there."""
    found = problems(entry, {"B": "b"})
    assert found == [f"BATCH_DEPLOYMENTS['small']{sentence}"]


def test_a_variable_that_is_not_set_is_a_mistake() -> None:
    """Better at start than at the first call."""
    assert problems({"base_url": URL, "api_key_env": "KEY"}) == [
        "BATCH_DEPLOYMENTS['small'].api_key_env: the environment variable 'KEY' is not set"
    ]


def test_all_mistakes_are_reported_at_once() -> None:
    """Of every deployment."""
    text = json.dumps({"a": {"base_url": "x", "max_concurrency": 0}, "b": {}, "c": {"base_url": URL}})
    found, mistakes = parse_deployments(text, {})
    assert len(mistakes) == 3
    assert "c" in found


def test_every_mistake_of_a_deployment_is_named_at_once() -> None:
    """An unknown setting does not hide what is wrong with the others."""
    found = problems({"base_url": "upstream", "colour": 1, "max_concurrency": 0}, {})

    assert [".colour", ".base_url", ".max_concurrency"] == [
        problem.partition("]")[2].partition(":")[0] for problem in found
    ]
