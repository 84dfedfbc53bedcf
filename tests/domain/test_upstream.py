import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.deployment import Deployment, UpstreamKind
from shared.domain.upstream import (
    Failed,
    FailureKind,
    Retry,
    Succeeded,
    UpstreamFailure,
    UpstreamResponse,
    build_request,
    classify,
)
from shared.domain.usage import Usage

CHAT = "/v1/chat/completions"
BODY = b'{"model":"gpt","messages":[],"seed":1.50}'
JSON_HEADERS = {"content-type": "application/json", "x-request-id": "req_1"}


def deployment(**changes) -> Deployment:
    return Deployment(**{"name": "gpt", "base_url": "http://up:8000", **changes})


def azure(**changes) -> Deployment:
    return deployment(**{"base_url": "https://x.openai.azure.com", "kind": UpstreamKind.AZURE, **changes})


def response(status=200, body=b"{}", **headers) -> UpstreamResponse:
    return UpstreamResponse(status=status, headers={**JSON_HEADERS, **headers}, body=body)


def error_of(failed: Failed) -> dict:
    return json.loads(failed.body)["error"]


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://up:8000", "http://up:8000/v1/chat/completions"),
        ("http://up:8000/", "http://up:8000/v1/chat/completions"),
        ("http://up:8000/v1", "http://up:8000/v1/chat/completions"),
        ("http://up:8000/v1/", "http://up:8000/v1/chat/completions"),
        ("https://host/llm", "https://host/llm/v1/chat/completions"),
        ("https://host/api/paas/v4/", "https://host/api/paas/v4/chat/completions"),
        ("https://host/v1beta/openai/", "https://host/v1beta/openai/chat/completions"),
        ("https://host/openai/v1?api-version=preview", "https://host/openai/v1/chat/completions?api-version=preview"),
    ],
)
def test_openai_url(base_url, url):
    """An OpenAI-style base URL may end with a slash, a version or neither."""
    assert build_request(deployment(base_url=base_url), CHAT, BODY).url == url


@pytest.mark.parametrize(
    ("endpoint", "changes", "path"),
    [
        (CHAT, {"api_version": "2024-10-21"}, "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"),
        (
            CHAT,
            {"api_version": "2024-10-21", "model": "a b"},
            "/openai/deployments/a%20b/chat/completions?api-version=2024-10-21",
        ),
        (CHAT, {}, "/openai/v1/chat/completions"),
        (CHAT, {"api_version": "preview"}, "/openai/v1/chat/completions?api-version=preview"),
        (CHAT, {"api_version": "v1"}, "/openai/v1/chat/completions?api-version=v1"),
        ("/v1/responses", {"api_version": "2025-03-01-preview"}, "/openai/v1/responses"),
        ("/v1/embeddings", {"api_version": "2024-10-21"}, "/openai/deployments/gpt/embeddings?api-version=2024-10-21"),
    ],
)
@pytest.mark.parametrize("suffix", ["", "/", "/openai", "/openai/", "/openai/v1", "/openai/v1/"])
def test_azure_url(endpoint, changes, path, suffix):
    """Azure takes the v1 path or, with a dated api_version, the classic one; the base URL may carry either's start."""
    target = azure(base_url=f"https://x.openai.azure.com{suffix}", **changes)

    assert build_request(target, endpoint, BODY).url == f"https://x.openai.azure.com{path}"


def test_openai_credential():
    """An OpenAI-style upstream gets its key as a bearer token, without the white space a file leaves around it."""
    request = build_request(deployment(api_key="secret\n"), CHAT, BODY)

    assert request.headers["Authorization"] == "Bearer secret"
    assert not request.identity


def test_no_credential():
    """An OpenAI-style upstream without a key is sent none."""
    request = build_request(deployment(), CHAT, BODY)

    assert "Authorization" not in request.headers
    assert not request.identity


def test_azure_key():
    """Azure gets its key in `api-key` and no bearer token."""
    request = build_request(azure(api_key="secret"), CHAT, BODY)

    assert request.headers["api-key"] == "secret"
    assert "Authorization" not in request.headers
    assert not request.identity


def test_azure_identity():
    """Azure without a key is marked for the managed identity."""
    request = build_request(azure(), CHAT, BODY)

    assert request.identity
    assert "api-key" not in request.headers


def test_requests_do_not_show_secrets():
    """Neither key nor prompt appears where a request is printed."""
    request = build_request(deployment(api_key="secret"), CHAT, BODY)

    assert "secret" not in repr(request)
    assert "seed" not in repr(request)


@pytest.mark.parametrize("changes", [{}, {"model": "gpt"}])
def test_body_passes_through(changes):
    """A body that names the upstream's model already is sent byte for byte."""
    assert build_request(deployment(**changes), CHAT, BODY).body is BODY


def test_model_is_replaced():
    """The upstream's own model name takes the place of ours; everything else stays byte for byte."""
    sent = build_request(deployment(model='big-"2"'), CHAT, BODY).body

    assert sent == b'{"model":"big-\\"2\\"","messages":[],"seed":1.50}'


def test_nested_model_stays():
    """Only the top-level `model` is the model's name."""
    sent = build_request(deployment(model="big"), CHAT, b'{"tools":[{"model":"gpt"}],"model":"gpt"}').body

    assert json.loads(sent) == {"tools": [{"model": "gpt"}], "model": "big"}


def test_success():
    """HTTP 200 with a JSON object succeeds: body on one line, usage, model and request id read."""
    body = b'{\n "model": "gpt-2026",\n "usage": {"prompt_tokens": 3, "completion_tokens": 4}\n}'
    outcome = classify(response(body=body))

    assert outcome == Succeeded(
        body=b'{"model":"gpt-2026","usage":{"prompt_tokens":3,"completion_tokens":4}}',
        usage=Usage(input_tokens=3, output_tokens=4),
        model="gpt-2026",
        request_id="req_1",
    )


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 20,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            Usage(input_tokens=10, cached_tokens=4, output_tokens=20, reasoning_tokens=5),
        ),
        (
            {
                "input_tokens": 10,
                "output_tokens": 20,
                "input_tokens_details": {"cached_tokens": 4},
                "output_tokens_details": {"reasoning_tokens": 5},
            },
            Usage(input_tokens=10, cached_tokens=4, output_tokens=20, reasoning_tokens=5),
        ),
        ({"prompt_tokens": 10, "total_tokens": 10}, Usage(input_tokens=10)),
        ({"prompt_tokens": 1, "prompt_tokens_details": None}, Usage(input_tokens=1)),
        ({"prompt_tokens": -1, "completion_tokens": True}, Usage()),
        ({"prompt_tokens": "7", "completion_tokens": 10**30}, Usage()),
        ({"prompt_tokens_details": [1]}, Usage()),
        ("none", Usage()),
        ([], Usage()),
        (None, Usage()),
    ],
)
def test_usage(usage, expected):
    """Chat, responses and embeddings usage is read; what is missing or no believable count is zero."""
    outcome = classify(response(body=json.dumps({"usage": usage}).encode()))

    assert isinstance(outcome, Succeeded)
    assert outcome.usage == expected


def test_missing_usage_counts_zero():
    """An answer without usage or model succeeds all the same."""
    outcome = classify(UpstreamResponse(status=200, headers={}, body=b'{"model":7}'))

    assert outcome == Succeeded(body=b'{"model":7}', usage=Usage(), model=None, request_id=None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"choices":[{"te',
        b"[]",
        b'"text"',
        b"null",
        b'{"a":1}{"b":2}',
        b'{"a":NaN}',
        b'{"a":"\xff"}',
        b'{"a":"raw\nline"}',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'data: {"id":1}\n\ndata: [DONE]\n\n',
    ],
)
def test_garbage_is_retried(body):
    """A 200 that is not one JSON object is tried again, and never becomes a line of status 200."""
    outcome = classify(response(body=body))

    assert isinstance(outcome, Retry)
    assert outcome.reason == "invalid_answer"
    assert not outcome.throttled
    assert outcome.final.status == 502
    assert error_of(outcome.final)["code"] == "invalid_upstream_answer"


def test_half_an_emoji_is_no_garbage():
    """An answer cut in the middle of an emoji keeps its line; the broken half becomes U+FFFD."""
    outcome = classify(response(body=rb'{"content":"hi \ud83d"}'))

    assert isinstance(outcome, Succeeded)
    assert msgspec.json.decode(outcome.body) == {"content": "hi \ufffd"}


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_passing_failures_are_retried(status):
    """Timeouts, conflicts, throttling and server errors are tried again; the last one's body becomes the line's."""
    outcome = classify(response(status, b'{"error":{"message":"busy"}}'))

    assert isinstance(outcome, Retry)
    assert outcome.reason == f"status_{status}"
    assert outcome.final == Failed(status=status, body=b'{"error":{"message":"busy"}}', request_id="req_1")


@pytest.mark.parametrize(
    ("status", "headers", "after", "throttled"),
    [
        (429, {}, None, True),
        (429, {"retry-after": "7"}, 7.0, True),
        (503, {}, None, True),
        (500, {"retry-after": "7"}, 7.0, True),
        (500, {}, None, False),
        (408, {}, None, False),
    ],
)
def test_throttling(status, headers, after, throttled):
    """429, 503 and any Retry-After mean that the upstream is overloaded; a plain 500 does not."""
    outcome = classify(response(status, **headers))

    assert isinstance(outcome, Retry)
    assert outcome.after_seconds == after
    assert outcome.throttled is throttled


@pytest.mark.parametrize("status", [400, 404, 413, 415, 422])
def test_refusals_are_final(status):
    """Other 4xx are final, with the upstream's own JSON body passed through on one line."""
    body = b'{\n  "error": {"message": "too long", "code": "context_length_exceeded"}\n}'
    outcome = classify(response(status, body))

    assert outcome == Failed(
        status=status,
        body=b'{"error":{"message":"too long","code":"context_length_exceeded"}}',
        request_id="req_1",
    )


def test_refusal_that_is_no_json_is_wrapped():
    """A non-JSON error body becomes an OpenAI error object saying what came, at most 200 characters of it."""
    outcome = classify(response(404, b"<h1>Not\n here</h1>" + b"x" * 5000, **{"content-type": "text/html"}))

    assert isinstance(outcome, Failed)
    assert outcome.status == 404
    error = error_of(outcome)
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "invalid_upstream_answer", None)
    assert "HTTP 404" in error["message"]
    assert "text/html" in error["message"]
    assert "<h1>Not here</h1>" in error["message"]
    assert error["message"].count("x") < 220


@pytest.mark.parametrize("status", [201, 204, 301, 302, 304])
def test_unexpected_statuses_are_final(status):
    """A redirect or another 2xx is final and becomes a 502, so that no line of the error file looks like a success."""
    outcome = classify(response(status, b'{"id":1}'))

    assert isinstance(outcome, Failed)
    assert outcome.status == 502
    assert f"HTTP {status}" in error_of(outcome)["message"]


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credential_is_the_operators(status):
    """A refused credential says that it is this service's, and that its operator must act."""
    outcome = classify(response(status, b'{"error":{"message":"Incorrect API key provided"}}'))
    if status == 401:  # worth waiting for: the operator may put it right while the batch runs
        assert isinstance(outcome, Retry)
        outcome = outcome.final

    assert isinstance(outcome, Failed)
    assert outcome.status == status
    assert error_of(outcome)["code"] == "upstream_credential_refused"
    assert "operator" in error_of(outcome)["message"]
    assert "Incorrect API key provided" in error_of(outcome)["message"]


@pytest.mark.parametrize(
    "leak",
    [
        "Authorization: Bearer topsecret",
        "bearer  topsecret",
        '"api-key": "topsecret"',
        "api_key=topsecret",
        "Incorrect API key provided: topsecret.",
        "sk-topsecret",
    ],
)
def test_excerpts_hide_credentials(leak):
    """An error page that prints the credential back does not bring it into the error file."""
    outcome = classify(response(403, f"<pre>{leak}</pre> denied".encode()))

    assert isinstance(outcome, Failed)
    assert b"topsecret" not in outcome.body
    assert b"denied" in outcome.body


@pytest.mark.parametrize(
    ("kind", "code", "blameless"),
    [
        (FailureKind.UNREACHABLE, "upstream_unavailable", True),
        (FailureKind.CONNECTION, "upstream_unavailable", False),
        (FailureKind.IDENTITY, "upstream_unavailable", True),
        (FailureKind.TIMEOUT, "request_timeout", False),
    ],
)
def test_no_answer_is_retried(kind, code, blameless):
    """Without an HTTP answer the line is tried again and ends with `response` null and an `error`.

    Where nothing can have been sent, the line is not to blame.
    """
    outcome = classify(UpstreamFailure(kind=kind, detail="It broke."))

    assert isinstance(outcome, Retry)
    assert outcome.reason == kind.value
    assert outcome.blameless is blameless
    assert outcome.final.status is None
    assert json.loads(outcome.final.body)["code"] == code
    assert json.loads(outcome.final.body)["message"].endswith("It broke.")


def test_too_large_an_answer_is_final():
    """An answer over the cap would be over it again: the line fails at once and says which setting to raise."""
    outcome = classify(UpstreamFailure(kind=FailureKind.TOO_LARGE, detail="Dropped."))

    assert isinstance(outcome, Failed)
    assert outcome.status == 502
    assert "BATCH_MAX_RESPONSE_BYTES" in error_of(outcome)["message"]


@pytest.mark.parametrize("name", ["x" * 129, "a b", 'a"b', "", "ü"])
def test_unfit_request_ids_are_dropped(name):
    """A request id that is no short identifier is as good as none."""
    outcome = classify(response(**{"x-request-id": name}))

    assert isinstance(outcome, Succeeded)
    assert outcome.request_id is None


def test_azure_request_id():
    """Azure's request id stands in `apim-request-id` where `x-request-id` is missing."""
    outcome = classify(UpstreamResponse(status=200, headers={"apim-request-id": "abc"}, body=b"{}"))

    assert isinstance(outcome, Succeeded)
    assert outcome.request_id == "abc"


def test_header_that_is_no_text_is_survived():
    """A content type with bytes no encoding knows does not keep the error from being told."""
    outcome = classify(response(404, b"gone", **{"content-type": "text/\udcff"}))

    assert isinstance(outcome, Failed)
    assert "text/?" in error_of(outcome)["message"]


@given(
    status=st.integers(100, 599),
    body=st.binary() | st.sampled_from([b"{}", b'{"a":"\xe2\x80\xa8"}', b'{"error":\r\n1}']),
    headers=st.dictionaries(
        st.sampled_from(["content-type", "retry-after", "x-request-id", "date"]),
        st.text(st.characters(codec=None)),
    ),
)
def test_every_answer_has_an_outcome(status, body, headers):
    """Whatever comes back, the outcome's body is one physical line holding a JSON object."""
    outcome = classify(UpstreamResponse(status=status, headers=headers, body=body))

    final = outcome.final if isinstance(outcome, Retry) else outcome
    assert isinstance(json.loads(final.body), dict)
    assert len(final.body.decode().splitlines()) == 1
    assert isinstance(final, Succeeded) or final.status >= 400
