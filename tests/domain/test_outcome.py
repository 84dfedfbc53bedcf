import json
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.deployments.deployment import Deployment
from shared.domain.upstream import outcome as meaning
from shared.domain.upstream.upstream import (
    Failed,
    FailureKind,
    Outcome,
    Retry,
    Succeeded,
    UpstreamAnswer,
    UpstreamFailure,
    UpstreamResponse,
)
from shared.domain.usage.usage import Usage

KEY = "topsecret-key/1"
DEPLOYMENT = Deployment(name="gpt", base_url="http://up:8000", api_key=KEY)
JSON_HEADERS = {"content-type": "application/json", "x-request-id": "req_1"}


def response(status=200, body=b"{}", **headers) -> UpstreamResponse:
    return UpstreamResponse(status=status, headers={**JSON_HEADERS, **headers}, body=body)


def classify(answer: UpstreamAnswer) -> Outcome:
    return meaning.classify(answer, DEPLOYMENT)


def error_of(failed: Failed) -> dict:
    return json.loads(failed.body)["error"]


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
        b'{"a":nan}',
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


@pytest.mark.parametrize("status", [408, 409, 424, 425, 429, 498, 499, 500, 502, 503, 504, 520, 529, 530])
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


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b'{"error":{"message":"Incorrect API key provided"}}'),
        (401, b"denied"),
        (403, b'{"error":{"message":"Incorrect API key provided"}}'),
        (403, b'{"error":{"type":"permission_error","message":"No."}}'),
        (403, b'{"error":{"code":"PermissionDenied","message":"The principal lacks the required data action."}}'),
        (403, b'{"error":{"code":"403","message":"Access denied due to Virtual Network/Firewall rules."}}'),
        (403, b'{"error":{"code":"model_not_found","message":"Project `p` does not have access to model `m`"}}'),
        (403, b'[{"error":{"code":403,"message":"x","status":"PERMISSION_DENIED"}}]'),
        (403, b'{"Message":"x","message":"User: arn:x is not authorized to perform: bedrock:InvokeModel"}'),
        (403, b"Invalid API key"),
        (400, b'{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}'),
        (400, b'{"error":{"message":"x","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}'),
    ],
)
def test_refused_credential_is_the_operators(status, body):
    """A refused credential blames no request and waits: the operator may put it right while the batch runs."""
    outcome = classify(response(status, body))

    assert isinstance(outcome, Retry)
    assert outcome.blameless
    assert not outcome.throttled
    assert outcome.final.status == status
    assert error_of(outcome.final)["code"] == "upstream_credential_refused"
    assert "operator" in error_of(outcome.final)["message"]


def test_refused_credential_shows_what_the_upstream_said():
    """What the operator needs to know is in the line and in the words for those who wait."""
    outcome = classify(response(401, b'{"error":{"message":"Incorrect API key provided"}}'))

    assert isinstance(outcome, Retry)
    assert "Incorrect API key provided" in error_of(outcome.final)["message"]
    assert outcome.words == "Incorrect API key provided"


@pytest.mark.parametrize(
    "body",
    [
        # OpenRouter's moderation; API Management's content safety; a firewall of requests; data loss prevention.
        (
            b'{"error":{"code":403,"message":"Your input was flagged","metadata":{"reasons":["violence"],'
            b'"flagged_input":"this api key is invalid"}}}'
        ),
        b'{"statusCode":403,"message":"Request failed content safety check."}',
        b'{"error":"Blocked by policy 7: the prompt holds a credential or an API key of a third party"}',
        b'{"error":{"code":1020,"message":"Access denied"}}',
    ],
)
def test_403_about_a_request_is_the_lines(body):
    """A 403 that does not blame the credential is final, and its body is kept in full."""
    assert classify(response(403, body)) == Failed(status=403, body=body, request_id="req_1")


def test_403_of_a_page_is_the_lines():
    """So is a firewall's page, of which the first words are shown."""
    outcome = classify(response(403, b"<h1>Sorry, you have been blocked</h1>", **{"content-type": "text/html"}))

    assert isinstance(outcome, Failed)
    assert "you have been blocked" in error_of(outcome)["message"]
    assert "credential" not in error_of(outcome)["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"error":{"message":"bad","code":400}}', 400),
        (b'{"error":{"message":"bad","code":"422"}}', 422),
        (b'{"error":{"message":"bad","status":404,"code":"nothing"}}', 404),
        (b'{"error":{"message":"bad","type":"invalid_request_error"}}', 400),
        (
            b'{"id":"r","status":"failed","model":"m","error":{"code":"invalid_prompt","message":"bad"},"output":[]}',
            400,
        ),
        (b'{"error":{"message":"flagged","code":403}}', 403),
        (b'{"choices":[{"error":{"code":400,"message":"bad"},"finish_reason":"error"}],"model":"m"}', 400),
        (b'{"object":"error","message":"bad","type":"BadRequestError","code":400}', 400),
        (b'{"choices":null,"error":{"code":413,"message":"bad"}}', 413),
    ],
)
def test_error_under_200_that_is_final(body, status):
    """An error under HTTP 200 fails the line with the status told inside, its body as it came."""
    assert classify(response(body=body)) == Failed(status=status, body=body, request_id="req_1")


@pytest.mark.parametrize(
    ("body", "status", "throttled"),
    [
        (b'{"error":{"message":"busy","code":502}}', 502, False),
        (b'{"error":{"message":"busy","code":429}}', 429, True),
        (b'{"error":{"message":"busy","code":"rate_limit_exceeded"}}', 429, True),
        (b'{"error":{"message":"busy","type":"overloaded_error"}}', 503, True),
        (b'{"id":"gen","model":"m","choices":null,"error":{"message":"busy","code":524}}', 524, False),
        (b'{"error":"something broke"}', 502, False),
        (b'{"error":{"message":"no status at all"}}', 502, False),
        (b'{"choices":[{"error":{"code":502,"message":"busy"}},{"error":"x"}],"model":"m","usage":{}}', 502, False),
        (b'{"error_code":18,"error_msg":"Open api qps request limit reached"}', 502, False),
        (b'{"base_resp":{"status_code":1002,"status_msg":"busy"},"choices":null}', 502, False),
        (b'{"code":500,"msg":"404 NOT_FOUND","success":false}', 500, False),
        (b'{"detail":"Model is loading"}', 502, False),
    ],
)
def test_error_under_200_that_may_pass(body, status, throttled):
    """An error under HTTP 200 that is no refusal is tried again, and is never a line of status 200."""
    outcome = classify(response(body=body))

    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.throttled) == (f"status_{status}", throttled)
    assert outcome.final == Failed(status=status, body=body, request_id="req_1")


@pytest.mark.parametrize("status", [200, 502])
def test_error_in_an_array(status):
    """Google wraps its errors in an array, under whatever status: the object inside is the body."""
    outcome = classify(response(status, b'[{\n"error": {"code": 503, "message": "busy"}}]'))

    assert isinstance(outcome, Retry)
    assert outcome.final.body == b'{"error":{"code":503,"message":"busy"}}'
    assert outcome.words == "busy"


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":null,"output":[],"model":"m"}',
        b'{"error":{},"choices":[],"model":"m"}',
        b'{"error":{"code":null,"message":null},"choices":[{"index":0}],"model":"m"}',
        b'{"error":"","choices":[{"error":null}],"model":"m"}',
        b'{"choices":[{"index":0,"error":{"code":502}},{"index":1}],"model":"m"}',
        b'{"choices":[{"content_filter_results":{"error":{"code":"content_filter_error"}}}],"model":"m"}',
        b'{"choices":[{"message":{"content":"\\"error\\": {}"}}],"model":"m"}',
        b'{"choices":"of another kind","model":"m"}',
        b'{"choices":[1],"model":"m"}',
        b'{"data":[],"usage":{"prompt_tokens":1}}',
        b'{"id":"video-1","object":"video","status":"queued"}',
    ],
)
def test_no_error_under_200(body):
    """An error of null or nothing, one of some choices, or the word in a text: the answer is a success."""
    outcome = classify(response(body=body))

    assert isinstance(outcome, Succeeded)
    assert outcome.body == body


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b'\xef\xbb\xbf{"a": "\xc3\xa9"}', {"a": "é"}),
        ('{"a": "é😀"}'.encode("utf-16"), {"a": "é😀"}),
        ('{"a": "é"}'.encode("utf-32-le"), {"a": "é"}),
        (b'\xef\xbb\xbf{"a": "hi \\ud83d"}', {"a": "hi \ufffd"}),
        (b'{"a": "\xed\xa0\xbd\xed\xb8\x80"}', {"a": "😀"}),
        (b'{"a": "\xed\xa0\xbd"}', {"a": "\ufffd"}),
        (b'{"a": [NaN, -Infinity,Infinity]}', {"a": [None, None, None]}),
        (b'{"a":NaN,"b":"NaN, \\"Infinity","c":-Infinity}', {"a": None, "b": 'NaN, "Infinity', "c": None}),
        (b'\xef\xbb\xbf\n{"a": 1.50}', {"a": 1.5}),
    ],
)
def test_loose_json_is_mended(body, read):
    """What openai-python reads is a success, and valid JSON in the output."""
    outcome = classify(response(body=body))

    assert isinstance(outcome, Succeeded)
    assert msgspec.json.decode(outcome.body) == read


@pytest.mark.parametrize(
    "message",
    [
        (
            "Request too large for m in organization o on tokens per min (TPM): Limit 30000, Requested 46000. The input or "
            "output tokens must be reduced in order to run successfully."
        ),
        "litellm.RateLimitError: Request too large for m",
        "Rate limit: Limit 30,000, Used 0, Requested 46,000.",
    ],
)
def test_too_large_for_the_limit_is_final(message):
    """A request that asks for more than a minute's limit can never pass: final at once, with the upstream's words."""
    body = msgspec.json.encode({"error": {"message": message, "type": "tokens", "code": "rate_limit_exceeded"}})

    assert classify(response(429, body)) == Failed(status=429, body=body, request_id="req_1")


def test_too_large_for_what_is_left_passes():
    """A request within the limit is throttled, however the message counts."""
    message = "Rate limit reached for m on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000."
    outcome = classify(response(429, msgspec.json.encode({"error": {"message": message}})))

    assert isinstance(outcome, Retry)
    assert outcome.throttled
    assert not outcome.blameless


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, {"code": "insufficient_quota", "message": "You exceeded your current quota."}),
        (402, {"message": "Insufficient credits"}),
        (402, {}),
        (403, {"message": "Key limit exceeded (total limit)."}),
        (400, {"type": "invalid_request_error", "message": "Your credit balance is too low to access the API."}),
        (400, {"code": "Arrearage", "message": "Access denied."}),
        (429, {"code": "billing_hard_limit_reached", "message": "Billing hard limit has been reached"}),
    ],
)
def test_no_money_blames_no_request(status, error):
    """An account without money is waited for; the upstream's own words say why."""
    outcome = classify(response(status, msgspec.json.encode({"error": error})))

    assert isinstance(outcome, Retry)
    assert outcome.blameless
    assert outcome.throttled
    assert outcome.words == error.get("message")
    assert outcome.final.status == status


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":{"message":" too\\n many  "}}', "too many"),
        (b'{"error":"busy"}', "busy"),
        (b'{"detail":[{"loc":["body"],"msg":"wrong"}]}', "wrong"),
        (b'{"fault":{"faultstring":"Quota"}}', "Quota"),
        (b'{"message":"x sk-abcdef123456 y"}', "x sk-… y"),
        (b"<html>no</html>", None),
        (b"Service Unavailable", "Service Unavailable"),
        (b"{}", None),
    ],
)
def test_words(body, words):
    """What the upstream says in so many words is handed on, on one line and without credentials."""
    outcome = classify(response(503, body))

    assert isinstance(outcome, Retry)
    assert outcome.words == words


def test_words_are_cut():
    """Words for a hold-up stay a sentence's length."""
    outcome = classify(response(503, msgspec.json.encode({"error": {"message": "w " * 5000}})))

    assert isinstance(outcome, Retry)
    assert outcome.words is not None
    assert len(outcome.words) == 300


@pytest.mark.parametrize("body", [b'["no", {"such": "field"}]', b'"not like this"', b"[]"])
def test_refusal_in_other_json_is_kept_whole(body):
    """A refusal that is JSON, but no object, is whole inside an error object."""
    outcome = classify(response(400, body))

    assert isinstance(outcome, Failed)
    assert error_of(outcome)["details"] == json.loads(body)
    assert "again" not in error_of(outcome)["message"]


def test_redirect_names_the_setting():
    """A redirect that was not followed is the operator's to put right."""
    outcome = classify(response(308, b""))

    assert isinstance(outcome, Failed)
    assert "base_url" in error_of(outcome)["message"]


def test_endless_refusal_is_cut():
    """A refusal of many megabytes is none: its beginning is shown."""
    outcome = classify(response(400, b'{"error":"' + b"x" * 50_000_000 + b'"}'))

    assert isinstance(outcome, Failed)
    assert len(outcome.body) < 3000


@pytest.mark.parametrize("status", [200, 400, 429])
@pytest.mark.parametrize(
    "piece",
    [rb"\\\\", rb"\"", b"eyJa1", b"0eyJ.", b"&#0", b"%25", b"limit 1 ", b"api key ", b"topsecret-key", b"NaN\\"],
)
def test_hostile_refusals_cost_little(status, piece):
    """A megabyte of whatever a caller may make an upstream repeat is dealt with in a moment, valid or cut off."""
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    for body in (b'{"error":{"message":"%b"}}' % text, b'{"error":NaN,"message":"%b' % text):
        classify(response(status, body))

    assert time.process_time() - began < 3.0


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b'{"error":{"message":"no: topsecret-key/1"}}'),
        (500, rb'{"error":{"message":"no: topsecret-key\/1"}}'),
        (401, b"Authorization: Bearer topsecret-key/1"),
        (200, b'{"error":{"message":"no: topsecret-key/1"}}'),
        (200, b"<pre>topsecret-key/1</pre>"),
        (429, b'[{"error":{"message":"no: topsecret-key/1"}}]'),
        (302, b"topsecret-key/1"),
        (400, b'\xef\xbb\xbf{"error":"topsecret-key/1"}'),
        (400, '{"error":"topsecret-key/1"}'.encode("utf-16")),
        (400, b'{"error":NaN,"key":"topsecret-key/1"}'),
    ],
)
def test_key_never_comes_back(status, body):
    """The deployment's own key is in no failure's body and in no words, whatever the status."""
    outcome = classify(response(status, body))

    final = outcome.final if isinstance(outcome, Retry) else outcome
    words = (outcome.words or "") if isinstance(outcome, Retry) else ""
    assert not isinstance(final, Succeeded)
    assert isinstance(json.loads(final.body), dict)
    assert "topsecret" not in final.body.decode() + words


@pytest.mark.parametrize("name", ["content-type", "x-request-id", "apim-request-id"])
def test_key_never_comes_back_in_a_header(name):
    """Nor in what of the headers is told."""
    headers = {name: "topsecret-key"}
    answer = UpstreamResponse(status=400, headers=headers, body=b"no")
    outcome = meaning.classify(answer, msgspec.structs.replace(DEPLOYMENT, api_key="topsecret-key"))

    assert isinstance(outcome, Failed)
    assert "topsecret" not in f"{outcome.body.decode()} {outcome.request_id}"


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
