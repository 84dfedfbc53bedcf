"""Deployments: one JSON object in, or every mistake in it as a sentence."""

from __future__ import annotations

import json

import pytest

from shared.domain.deployments.deployment import Deployment, UpstreamKind
from shared.domain.deployments.deployment_setting import parse_deployments
from shared.domain.deployments.price import Price, Rates
from shared.domain.endpoints import ENDPOINTS
from shared.domain.upstream.upstream import build_request

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
        "leaders_first": False,
        "prompt_cache_key": True,
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
        leaders_first=False,
        prompt_cache_key=True,
        price=Price(rates=Rates(input=1_500_000, cached_input=1_500_000, cache_write=1_500_000, output=2_000_000)),
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
    "tokens_per_minute, enqueued_token_limit, tokens, request_timeout_seconds, leaders_first, prompt_cache_key, price, targets"
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


RESOURCE = "https://x.openai.azure.com"
CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"
CLASSIC = f"{RESOURCE}/openai/deployments/d/chat/completions?api-version=2025-01-01-preview"


def reached(endpoint: str, **entry: object) -> str:
    """Where a request of a deployment goes."""
    found, mistakes = parse_deployments(json.dumps({"small": entry}), {})
    assert mistakes == []
    return build_request(found["small"], endpoint, b'{"model": "small"}').url


@pytest.mark.parametrize(
    ("base_url", "endpoint", "url"),
    [
        ("https://api.openai.com/v1/chat/completions", CHAT, "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/responses/", EMBEDDINGS, "https://api.openai.com/v1/embeddings"),
        ("https://api.openai.com/v1/models", CHAT, "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/batches", CHAT, "https://api.openai.com/v1/chat/completions"),
        ("http://up:8000/v1/completions", CHAT, "http://up:8000/v1/chat/completions"),
        ("https://host/inference/chat/completions", CHAT, "https://host/inference/chat/completions"),
        ("https://host/inference/chat/completions", EMBEDDINGS, "https://host/inference/embeddings"),
        ("https://host/chat/completions?key=1", CHAT, "https://host/chat/completions?key=1"),
        ("https://host/models", CHAT, "https://host/models/v1/chat/completions"),
        (" https://api.openai.com/v1\n", CHAT, "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1\u200b", CHAT, "https://api.openai.com/v1/chat/completions"),
        (
            "https://sap.example/v2/inference/deployments/d",
            CHAT,
            "https://sap.example/v2/inference/deployments/d/chat/completions",
        ),
    ],
)
def test_a_calls_address_reaches_that_call(base_url: str, endpoint: str, url: str) -> None:
    """Whatever page or program the address was copied from, and its siblings are beside it."""
    assert reached(endpoint, base_url=base_url) == url


@pytest.mark.parametrize("kind", [{}, {"kind": "azure"}, {"kind": " Azure "}])
@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (CLASSIC, CLASSIC),
        (f"{RESOURCE}/openai/deployments/d?api-version=2024-10-21", f"{RESOURCE}/openai/deployments/d/chat/completions?api-version=2024-10-21"),
        (f"{RESOURCE}/openai/deployments/a%20b/chat/completions", f"{RESOURCE}/openai/v1/chat/completions"),
        (f"{RESOURCE}/openai/v1/chat/completions", f"{RESOURCE}/openai/v1/chat/completions"),
        (f"{RESOURCE}/openai/v1/responses?api-version=preview", f"{RESOURCE}/openai/v1/chat/completions?api-version=preview"),
        (f"{RESOURCE}/openai/responses?api-version=2025-04-01-preview", f"{RESOURCE}/openai/deployments/small/chat/completions?api-version=2025-04-01-preview"),
        (f"{RESOURCE}/openai/v1/", f"{RESOURCE}/openai/v1/chat/completions"),
        (f" {RESOURCE} ", f"{RESOURCE}/openai/v1/chat/completions"),
        ("https://x.services.ai.azure.com/api/projects/p/openai/v1", "https://x.services.ai.azure.com/api/projects/p/openai/v1/chat/completions"),
    ],
)  # fmt: skip
def test_azures_target_uri_reaches_that_place(kind: dict[str, str], base_url: str, url: str) -> None:
    """As the portal shows it: resource, deployment and version, with `kind` or without, for the host says it."""
    assert reached(CHAT, base_url=base_url, **kind) == url


def test_azures_target_uri_names_the_deployment() -> None:
    """It becomes `model`; the address becomes the resource, and the version its own setting."""
    found = parse_deployments(json.dumps({"small": {"base_url": CLASSIC}}), {})[0]["small"]
    assert (found.base_url, found.model, found.api_version) == (RESOURCE, "d", "2025-01-01-preview")
    gateway = {"kind": "azure", "base_url": "https://gw.example/openai/openai/deployments/a%2Fb/embeddings"}
    found = parse_deployments(json.dumps({"small": gateway}), {})[0]["small"]
    assert (found.base_url, found.model, found.api_version) == ("https://gw.example/openai", "a/b", None)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"base_url": "api.openai.com/v1"}, ".base_url: expected an http:// or https:// URL, got 'api.openai.com/v1'; did you mean https://api.openai.com/v1?"),
        ({"base_url": "localhost:8000"}, ".base_url: expected an http:// or https:// URL, got 'localhost:8000'; did you mean http://localhost:8000?"),
        ({"base_url": "https:/api.openai.com"}, ".base_url: expected an http:// or https:// URL, got 'https:/api.openai.com'"),
        ({"base_url": "https://"}, ".base_url: expected an http:// or https:// URL, got 'https://'"),
        ({"base_url": "http://up:port/v1"}, ".base_url: expected an http:// or https:// URL, got 'http://up:port/v1'"),
        ({"base_url": "https://https://up/v1"}, ".base_url: there is one // too many in 'https://https://up/v1'"),
        ({"base_url": "https://up/ v1"}, ".base_url: there is white space, or a quote, inside 'https://up/ v1'; leave it out"),
        ({"base_url": "'https://up/v1'"}, ".base_url: expected an http:// or https:// URL, got \"'https://up/v1'\""),
        ({"base_url": "https://up/v1#chat"}, ".base_url: what follows the # is never sent; leave out #chat"),
        ({"base_url": "https://<resource>.openai.azure.com"}, ".base_url: 'https://<resource>.openai.azure.com' has a placeholder in it; put the name itself in its place"),
        ({"base_url": "https://NAME.openai.azure.com"}, ".base_url: 'https://NAME.openai.azure.com' has a placeholder in it; put the name itself in its place"),
        ({"base_url": "https://your-resource.openai.azure.com"}, ".base_url: 'https://your-resource.openai.azure.com' has a placeholder in it; put the name itself in its place"),
        ({"base_url": RESOURCE, "kind": "openai"}, ".base_url: kind openai reaches Azure at /openai/v1 only: say kind: azure, or end it in /openai/v1"),
        ({"base_url": CLASSIC, "kind": "openai"}, ".base_url: kind openai reaches Azure at /openai/v1 only: say kind: azure, or end it in /openai/v1"),
        ({"base_url": "https://gw.example/openai/deployments/d"}, ".base_url: this is an address of Azure's classic API: say kind: azure"),
        ({"base_url": "https://gw.example/deployments/d"}, ".base_url: a deployment's address has no version; if it is Azure's, say kind: azure and give the resource, such as https://NAME.openai.azure.com; else give the whole address of a call, such as /deployments/d/chat/completions"),
        ({"base_url": "https://gw.example/deployments/d", "kind": "azure"}, ".base_url: kind azure wants the resource, such as https://NAME.openai.azure.com, and the deployment's name as `model`"),
        ({"base_url": "https://x.services.ai.azure.com/models"}, ".base_url: kind azure wants the resource, such as https://NAME.openai.azure.com, and the deployment's name as `model`"),
        ({"base_url": f"{RESOURCE}?code=1"}, ".base_url: kind azure sends no query but api-version; leave out code"),
        ({"base_url": CLASSIC, "model": "e"}, ".model: base_url says 'd'; keep one of the two"),
        ({"base_url": CLASSIC, "api_version": "2024-10-21"}, ".api_version: base_url says '2025-01-01-preview'; keep one of the two"),
        ({"base_url": RESOURCE, "api_version": "latest"}, ".api_version: expected a date such as 2024-10-21 or 2025-04-01-preview, v1 or preview, got 'latest'"),
        ({"base_url": URL, "api_version": "2024-10-21"}, ".api_version: kind openai sends none: leave it out, or say kind: azure if the upstream is Azure's"),
        ({"base_url": URL, "max_concurency": 3}, ".max_concurency: not a setting; did you mean max_concurrency?"),
        ({"base_url": URL, "rpm": 3}, ".rpm: not a setting; did you mean requests_per_minute?"),
    ],
)  # fmt: skip
def test_what_may_mean_two_places_stops_and_says_what_to_write(entry: dict[str, object], sentence: str) -> None:
    """One sentence, with what to write instead where that is known."""
    assert problems(entry) == [f"BATCH_DEPLOYMENTS['small']{sentence}"]


@pytest.mark.parametrize(
    "given", ["chat/completions", "/chat/completions/", "v1/chat/completions", " /v1/chat/completions "]
)
def test_an_endpoint_may_be_written_in_several_ways(given: str) -> None:
    """They can mean one only."""
    found, mistakes = parse_deployments(json.dumps({"small": {"base_url": URL, "endpoints": [given]}}), {})
    assert (found["small"].endpoints, mistakes) == ((CHAT,), [])


@pytest.mark.parametrize("around", ["{}\n", " {}\r\n", "\ufeff{}"])
def test_white_space_around_a_key_is_none_of_it(around: str) -> None:
    """Wherever the key stands."""
    key = around.format("secret")
    for entry, environment in (({"api_key": key}, {}), ({"api_key_env": " KEY "}, {"KEY": key})):
        text = json.dumps({"small": {"base_url": URL, **entry}})
        assert parse_deployments(text, environment)[0]["small"].api_key == "secret"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("Bearer secret", "leave out `Bearer `"),
        ("se cret", "white space inside"),
        ("secret\nsecret", "white space inside"),
        ('"secret"', "quotes around it"),
        ("'secret'", "quotes around it"),
        ("sécret", "no HTTP header can carry"),
        ("sec\u200bret", "no HTTP header can carry"),
        ("<your-secret>", "placeholder"),
        ("...", "placeholder"),
        ("sk-...", "placeholder"),
        ("YOUR_SECRET_KEY", "placeholder"),
        ("$SECRET", "bare name as `api_key_env`"),
        ("${SECRET}", "bare name as `api_key_env`"),
        ("os.environ/SECRET", "bare name as `api_key_env`"),
        ("https://secret", "this is a URL"),
    ],
)
def test_a_key_that_cannot_be_one_is_a_mistake_and_not_repeated(key: str, words: str) -> None:
    """Said at start, where the upstream would say it of every line."""
    for entry in ({"api_key": key}, {"api_key_env": "KEY"}):
        (problem,) = problems({"base_url": URL, **entry}, {"KEY": key})
        assert words in problem
        assert "secret" not in problem.lower()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sk-proj-secret", "and not the key itself"),
        ("0123456789abcdefsecret0123456789", "and not the key itself"),
        ("abcdefsecret0123456789abcdef", "and not the key itself"),
        ("$KEY", "leave out the `$`"),
        ("OPENAI_KEY", "'OPENAI_KEY' is not set; did you mean OPENAI_API_KEY?"),
    ],
)
def test_what_is_no_name_of_a_variable_says_so(name: str, words: str) -> None:
    """A key in the place of its variable's name is not printed."""
    (problem,) = problems({"base_url": URL, "api_key_env": name}, {"OPENAI_API_KEY": "x"})
    assert words in problem
    assert "secret" not in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{'small': {'base_url': 'http://up'}}", "line 1, character 2). JSON wants double quotes"),
        ("{small: {base_url: http://up}}", "It has no double quotes; the shell may have taken them"),
        ('{\\"small\\": {}}', "There are backslashes before its quotes"),
        ("{“small”: {}}", "Its quotes are typographic"),
        ('[{"name": "small"}]', "It is a list; write an object whose keys are the names."),
        (
            "deployments.json",
            'It looks like a path; the setting holds the JSON itself: BATCH_DEPLOYMENTS="$(cat FILE)".',
        ),
        ("@/etc/batch/deployments.json", "It looks like a path"),
        ("./deployments", "It looks like a path"),
        ("C:\\batch\\deployments.json", "It looks like a path"),
        ('{"small": {"price": None}}', "JSON writes true, false and null."),
        ('{\n  // mine\n  "small": {}\n}', "(line 2, character 3). JSON has no comments"),
        ('{"small": {"base_url": "http://up",}}', "line 1, character 36)"),
    ],
)
def test_what_is_no_json_says_what_it_looks_like(text: str, words: str) -> None:
    """And where it breaks, and never what stands there, which may be a key."""
    found, (problem,) = parse_deployments(text, {})
    assert found == {}
    assert words in problem


@pytest.mark.parametrize("around", [" {} ", "'{}'", "\ufeff{}\n"])
def test_what_surrounds_the_json_does_no_harm(around: str) -> None:
    """Files of variables keep the quotes that a shell takes away."""
    text = around.format(json.dumps({" small ": {"base_url": URL}}))
    assert parse_deployments(text, {}) == ({"small": Deployment(name="small", base_url=URL)}, [])


def test_a_name_given_twice_is_a_mistake() -> None:
    """The last would count, without a word."""
    text = '{"a": {"base_url": "http://one", "base_url": "http://two"}, "b": {"base_url": "x"}, "b": {"base_url": "http://y"}}'
    assert parse_deployments(text, {})[1] == [
        "BATCH_DEPLOYMENTS: 'base_url' is given twice in one object; keep one of them",
        "BATCH_DEPLOYMENTS: 'b' is given twice in one object; keep one of them",
    ]


def test_a_deployment_needs_a_name() -> None:
    """Callers could not ask for it."""
    assert parse_deployments(json.dumps({" ": {"base_url": URL}}), {})[1] == [
        "BATCH_DEPLOYMENTS['']: a deployment needs a name; callers give it as `model`"
    ]
