"""The rules of one line: literals of contract 3.3 and 3.4, written out as the vendors write them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.batches.batch import BatchError
from shared.domain.deployments.deployment import Deployment
from shared.domain.endpoints import ENDPOINTS
from shared.domain.keys.model_access import ModelAccess
from shared.domain.keys.project import ModelMode, ModelPermissions
from shared.domain.lines.request_line import RequestLine, custom_id_of, read_line, with_cache_key, with_model
from shared.domain.validation.line_rules import LineRules
from shared.domain.vendors.vendor import Vendor

CHAT = "/v1/chat/completions"
DEPLOYMENTS = {
    "small": Deployment(name="small", base_url="http://upstream"),
    "large": Deployment(name="large", base_url="http://upstream"),
    "chatty": Deployment(name="chatty", base_url="http://upstream", endpoints=(CHAT,)),
}
GOOD: dict[str, Any] = {
    "custom_id": "a",
    "method": "POST",
    "url": CHAT,
    "body": {"model": "small", "messages": [{"role": "user", "content": "Hi"}]},
}


def rules(vendor: Vendor = Vendor.OPENAI, endpoint: str = CHAT) -> LineRules:
    return LineRules(
        vendor=vendor, endpoint=endpoint, deployments=DEPLOYMENTS, access=ModelAccess(project_id="default")
    )


def line(**changes: Any) -> bytes:
    """A good line with `changes`; a change to None leaves the key out."""
    return json.dumps({key: value for key, value in (GOOD | changes).items() if value is not None}).encode()


def body(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (GOOD["body"] | changes).items() if value is not ...}


def errors_of(raw: bytes, vendor: Vendor = Vendor.OPENAI, endpoint: str = CHAT) -> list[tuple[str, str, str | None]]:
    verdict = rules(vendor, endpoint).check(raw, 7)
    assert isinstance(verdict, list)
    assert all(error.line == 7 for error in verdict)
    return [(error.code, error.message, error.param) for error in verdict]


def test_a_good_line_gives_its_body_byte_for_byte() -> None:
    """Bodies are passed through as they came."""
    raw = (
        b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body": { "model":"small","messages":[1.50] } }'
    )
    assert rules().check(raw, 1) == b'{ "model":"small","messages":[1.50] }'


MODELS = "Models for /v1/chat/completions: 'small', 'large', 'chatty'."
OPENAI_CASES = [
    (
        b"nonsense",
        "invalid_json_line",
        "This line is not parseable as valid JSON. It begins with 'nonsense'.",
        None,
    ),
    (line(custom_id=None), "missing_required_parameter", "Missing required parameter: 'custom_id'.", "custom_id"),
    (line(method=None), "missing_required_parameter", "Missing required parameter: 'method'.", "method"),
    (line(url=None), "missing_required_parameter", "Missing required parameter: 'url'.", "url"),
    (line(body=None), "missing_required_parameter", "Missing required parameter: 'body'.", "body"),
    (
        line(url="/v1/embeddings"),
        "invalid_url",
        "The URL provided for this request does not match the batch endpoint.",
        "url",
    ),
    (
        line(url="/chat/completions"),
        "invalid_url",
        "The URL provided for this request does not match the batch endpoint.",
        "url",
    ),
    (
        line(body=body(model="nobody")),
        "model_not_found",
        f"The provided model 'nobody' is not supported by the Batch API. {MODELS}",
        "body.model",
    ),
    (line(body=body(model=...)), "invalid_request", "Model parameter is required.", "body.model"),
    (line(body=body(model=None)), "invalid_request", "Model parameter is required.", "body.model"),
    (line(body=body(model="")), "invalid_request", "Model parameter is required.", "body.model"),
    (line(body=body(messages=...)), "invalid_request", "Messages parameter is required.", "body.messages"),
    (line(body=body(messages=None)), "invalid_request", "Messages parameter is required.", "body.messages"),
    (
        line(body=body(stream=True)),
        "streaming_unsupported",
        "Chat Completions: Streaming is not supported in the Batch API.",
        "body.stream",
    ),
    (
        line(body=body(background=True)),
        "background_unsupported",
        "Chat Completions: Background mode is not supported in the Batch API. Leave it out.",
        "body.background",
    ),
    (line(method="GET"), "invalid_value", "Invalid value: 'GET'. Supported values are: 'POST'.", "method"),
    (
        line(custom_id=7),
        "invalid_type",
        "Invalid type for 'custom_id': expected a string, but got a number instead.",
        "custom_id",
    ),
    (
        line(method=["POST"]),
        "invalid_type",
        "Invalid type for 'method': expected a string, but got an array instead.",
        "method",
    ),
    (line(url={}), "invalid_type", "Invalid type for 'url': expected a string, but got an object instead.", "url"),
    (
        line(body="{}"),
        "invalid_type",
        "Invalid type for 'body': expected an object, but got a string instead.",
        "body",
    ),
    (
        line(body=body(model=True)),
        "invalid_type",
        "Invalid type for 'body.model': expected a string, but got a boolean instead.",
        "body.model",
    ),
    (b'["POST"]', "invalid_json_line", "This line is not a JSON object: it is an array.", None),
    (b" null\r", "invalid_json_line", "This line is not a JSON object: it is null.", None),
]


@pytest.mark.parametrize(("raw", "code", "message", "param"), OPENAI_CASES)
def test_openai_says_it_literally(raw: bytes, code: str, message: str, param: str | None) -> None:
    """Contract 3.3: code, message and param of each problem, and nothing beside it."""
    assert errors_of(raw) == [(code, message, param)]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"nonsense", "invalid_json_line"),
        (line(url="/embeddings"), "url_mismatch"),
        (line(custom_id=None), "invalid_request"),
        (line(custom_id=7), "invalid_request"),
        (line(method="GET"), "invalid_request"),
        (line(body=body(model="nobody")), "model_not_found"),
        (line(body=body(model=...)), "invalid_request"),
        (line(body=body(stream=True)), "invalid_request"),
        (line(body=body(background=True)), "invalid_request"),
    ],
)
def test_azure_has_its_own_codes(raw: bytes, code: str) -> None:
    """Contract 3.4."""
    assert [found for found, _, _ in errors_of(raw, Vendor.AZURE)] == [code]


@pytest.mark.parametrize("url", ["/chat/completions", "/v1/chat/completions"])
def test_azure_takes_both_spellings_of_a_url(url: str) -> None:
    """Contract 3.1."""
    assert isinstance(rules(Vendor.AZURE).check(line(url=url), 1), bytes)


@pytest.mark.parametrize(("vendor", "code"), [(Vendor.OPENAI, "mismatched_model"), (Vendor.AZURE, "model_mismatch")])
def test_a_second_model_is_refused(vendor: Vendor, code: str) -> None:
    """One model per file (contract 3.1), the first known one; literal of contract 3.3."""
    checked = rules(vendor)
    assert isinstance(checked.check(line(), 1), bytes)
    assert checked.check(line(custom_id="b", body=body(model="large")), 2) == [
        BatchError(
            code=code,
            message="The model 'large' for this request does not match the rest of the batch. "
            "Each batch must contain requests for a single model.",
            param="body.model",
            line=2,
        )
    ]


def test_a_repeated_custom_id_is_reported_at_its_later_line() -> None:
    """Literal of contract 3.3; escapes do not hide a repetition."""
    checked = rules()
    checked.check(line(custom_id="a"), 1)
    verdict = checked.check(line().replace(b'"a"', b'"\\u0061"'), 2)
    assert verdict == [
        BatchError(
            code="duplicate_custom_id",
            message="The custom_id 'a' for this request is a duplicate of another request. "
            "The custom_id parameter must be unique for each request in a batch.",
            param="custom_id",
            line=2,
        )
    ]


def test_the_problems_of_a_line_come_in_order_of_its_fields() -> None:
    """Contract 3.3: custom_id, method, url, body."""
    params = [param for _, _, param in errors_of(b'{"body":{"stream":true,"model":"x"}}')]
    assert params == ["custom_id", "method", "url", "body.model", "body.messages", "body.stream"]


def test_a_deployment_serves_only_its_endpoints() -> None:
    """The message names the endpoints that it does serve."""
    raw = line(url="/v1/embeddings", body={"model": "chatty", "input": "x"})
    assert errors_of(raw, endpoint="/v1/embeddings") == [
        (
            "invalid_request",
            "The model 'chatty' does not serve the endpoint /v1/embeddings. It serves: /v1/chat/completions.",
            "body.model",
        )
    ]


@pytest.mark.parametrize(
    ("endpoint", "missing"),
    [
        ("/v1/completions", "prompt"),
        ("/v1/embeddings", "input"),
        ("/v1/images/edits", "prompt"),
        ("/v1/images/generations", "prompt"),
        ("/v1/moderations", "input"),
        ("/v1/responses", "input"),
        ("/v1/videos", "prompt"),
    ],
)
def test_each_endpoint_needs_its_own_parameter(endpoint: str, missing: str) -> None:
    """In the words OpenAI uses for `messages`."""
    raw = line(url=endpoint, body={"model": "small"})
    message = f"{missing.capitalize()} parameter is required."
    assert errors_of(raw, endpoint=endpoint) == [("invalid_request", message, f"body.{missing}")]


@pytest.mark.parametrize("field", ["input", "prompt", "previous_response_id", "conversation"])
def test_a_response_may_start_from_more_than_an_input(field: str) -> None:
    """The Responses API takes a stored prompt, an earlier response or a conversation in place of an input."""
    raw = line(url="/v1/responses", body={"model": "small", field: "x"})
    assert isinstance(rules(endpoint="/v1/responses").check(raw, 1), bytes)


@pytest.mark.parametrize("value", [False, None, "true", 1, "transparent"])
@pytest.mark.parametrize("name", ["stream", "background"])
def test_only_true_is_refused(name: str, value: object) -> None:
    """What else may be wrong with it is the upstream's to say; images have a `background` of their own."""
    assert isinstance(rules().check(line(body=body(**{name: value})), 1), bytes)


@pytest.mark.parametrize("name", ["stream", "background"])
def test_of_a_field_named_twice_the_last_one_counts(name: str) -> None:
    """For us as for the upstream, which gets the body as it came."""
    twice = f'{{"{name}":%s,"{name}":%s,"model":"small","messages":[]}}'
    for first, last, verdict in (("true", "false", bytes), ("false", "true", list)):
        raw = line().replace(json.dumps(GOOD["body"]).encode(), (twice % (first, last)).encode())
        assert isinstance(rules().check(raw, 1), verdict)


def test_a_response_in_the_background_is_refused() -> None:
    """In the words of streaming: its answer would be a stub that nobody fetches (contract 9.5)."""
    raw = line(url="/v1/responses", body={"model": "small", "input": "x", "background": True})
    message = "Responses: Background mode is not supported in the Batch API. Leave it out."
    assert errors_of(raw, endpoint="/v1/responses") == [("background_unsupported", message, "body.background")]


@pytest.mark.parametrize(
    ("endpoint", "names", "models"),
    [
        (CHAT, ["a"], "Models for /v1/chat/completions: 'a'."),
        (CHAT, list("abcdefgh"), "Models for /v1/chat/completions: 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'."),
        (
            CHAT,
            [*"abcdefgh", *"12"],
            "Models for /v1/chat/completions: 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 2 more.",
        ),
        (CHAT, ["x" * 100], f"Models for /v1/chat/completions: '{'x' * 63}…'."),
        ("/v1/embeddings", ["a"], "No model of this service serves /v1/embeddings."),
    ],
)
def test_an_unknown_model_is_told_with_those_there_are(endpoint: str, names: list[str], models: str) -> None:
    """Those that serve the endpoint, in the order of the configuration; bounded in number and length."""
    deployments = {name: Deployment(name=name, base_url="http://upstream", endpoints=(CHAT,)) for name in names}
    checked = LineRules(
        vendor=Vendor.OPENAI, endpoint=endpoint, deployments=deployments, access=ModelAccess(project_id="default")
    )
    verdict = checked.check(line(url=endpoint, body=body(model="nobody", input="x")), 1)
    assert isinstance(verdict, list)
    assert verdict[0].message == f"The provided model 'nobody' is not supported by the Batch API. {models}"


DEEP = "nests deeper than 256 levels"
HALF = "has half of an escaped surrogate pair (a character cut in two)"
CUT = "is cut off: a request has to be on one line, from { to }"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"custom_id":"a\xff"}', "is not UTF-8: its byte 15 is 0xFF"),
        (b'{"body":{"x":"\xff"}}', "is not UTF-8: its byte 14 is 0xFF"),
        (b'{"body":{"x":"\xed\xa0\x80"}}', "is not UTF-8: its byte 14 is 0xED"),
        ('{"body":"größe"}'.encode("latin-1"), "is not UTF-8: its byte 11 is 0xF6"),
        (b'{"body":{"x":"\\ud800"}}', HALF),
        (b'{"body":{"x":"cut \\ud83d","y":1}}', HALF),
        (b'{"custom_id":"\\udc00"}', HALF),
        (b'{"custom_id":"a\x00"}', "is malformed: invalid character (byte 15)"),
        (b"\x00\x00\x00", "begins with '\\x00\\x00\\x00'"),
        (b'{"custom_id":"a"', CUT),
        (b"{", CUT),
        (b'{"custom_id":"a",}', "is malformed: trailing comma in object (byte 17)"),
        (b'{"custom_id":NaN}', "is malformed: invalid character (byte 13)"),
        (b'{"custom_id":"a"} {"custom_id":"b"}', "is malformed: trailing characters (byte 19)"),
        (b"[1,", "begins with '[1,'"),
        (b"// requests", "begins with '// requests'"),
        (b"custom_id,method,url,body,more", "begins with 'custom_id,method,url,bod…'"),
        (b'\x0b{"custom_id":"a"}', 'begins with \'\\x0b{"custom_id":"a"}\''),
        (b'\xef\xbb\xbf{"custom_id":"a"}', "begins with a byte order mark (BOM)"),
        (b"{'custom_id': 'a'}", "is malformed: expected '\"' (byte 1)"),
        (b'{"body":' + b"[" * 100_000 + b"]" * 100_000 + b"}", DEEP),
        (b"[" * 100_000 + b"]" * 100_000, DEEP),
        (b'{"body":{"x":' + b'{"x":' * 256 + b"1" + b"}" * 256 + b"}}", DEEP),
    ],
)
def test_bytes_that_are_no_json_are_one_error_with_the_reason(raw: bytes, why: str) -> None:
    """OpenAI's literal, and then what a person has to know to mend the line."""
    assert errors_of(raw) == [("invalid_json_line", f"This line is not parseable as valid JSON. It {why}.", None)]


def test_brackets_inside_strings_are_no_nesting() -> None:
    """Only structure counts."""
    text = "[{" * 5000 + '\\"'
    assert isinstance(rules().check(line(body=body(messages=[{"content": text}])), 1), bytes)


def test_many_shallow_brackets_are_no_nesting() -> None:
    """A long conversation is wide, not deep."""
    assert isinstance(rules().check(line(body=body(messages=[{"content": "x"}] * 500)), 1), bytes)


def test_a_long_value_is_quoted_short() -> None:
    """Messages stay readable and the record small."""
    message = errors_of(line(body=body(model="m" * 10_000)))[0][1]
    assert message.startswith(f"The provided model '{'m' * 63}…' is not supported by the Batch API. ")


@given(st.binary(max_size=80))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    """Whatever a file holds, the answer is a value."""
    assert rules().check(raw, 1)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from([*GOOD, "model", "messages"]), x),
    )
)
def test_no_json_makes_it_raise(value: object) -> None:
    """Valid JSON of any shape, numbers beyond any range included."""
    assert rules().check(json.dumps(value).encode(), 1)


@pytest.mark.parametrize("number", ["1e999", "9" * 5000, "-0.0e-400"])
def test_a_number_too_large_for_python_passes_in_a_body(number: str) -> None:
    """It is valid JSON, and the upstream's to judge."""
    raw = line().replace(b'"messages"', b'"seed":' + number.encode() + b',"messages"')
    assert isinstance(rules().check(raw, 1), bytes)


def test_read_line_gives_what_was_validated() -> None:
    """What a chunk needs of a line; `custom_id` decoded, the body raw."""
    found = read_line(b' {"custom_id":"\\u00e4","url":"\\/v1\\/x","more":1,"method":"POST","body":{ "a":1.0 }}\r')
    assert (found.custom_id, found.url, found.body) == ("ä", "/v1/x", b'{ "a":1.0 }')


def test_of_equal_keys_the_last_one_counts_for_every_reader() -> None:
    """As in Python's json. The others may be of any type: such a line was accepted and then broke whoever ran it."""
    raw = b'{"custom_id":5,"url":[],"body":7,' + line()[1:]
    verdict = rules().check(raw, 1)
    assert verdict == read_line(raw).body == json.dumps(GOOD["body"]).encode()
    assert (read_line(raw).custom_id, read_line(raw).url) == ("a", CHAT)


@pytest.mark.parametrize(
    ("raw", "custom_id"),
    [
        (line(), "a"),
        (b'{"url":1,"custom_id":"\\u00e4"}', "ä"),
        (b'{"custom_id":5,"custom_id":"x"}', "x"),
        (b' {"custom_id" : "a\\"b", "body": {"cut', 'a"b'),
        (b'{"custom_id":"a","body":' + b"[" * 100_000, "a"),
        (b'{"custom_id":"a', ""),
        (b'{"custom_id":"' + b"\\\\a" * 1_000_000, ""),
        (b'{"custom_id":"\xff"}', ""),
        (b'{"custom_id":"\\ud800"}', ""),
        (b'{"custom_id":5}', ""),
        (b'{"body":{"custom_id":"a"}}', ""),
        (b"[]", ""),
        (b"", ""),
    ],
)
def test_a_custom_id_is_read_as_far_as_it_can_be(raw: bytes, custom_id: str) -> None:
    """Of a damaged line as well, if it comes first there."""
    assert custom_id_of(raw) == custom_id


@given(st.binary() | st.binary().map(lambda end: b'{"custom_id":"' + end))
def test_no_bytes_keep_a_custom_id_from_being_text(raw: bytes) -> None:
    """What it returns can be written to a result line."""
    custom_id_of(raw).encode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"model":"small","x":[1.50, "\\u00e4"]}', b'{"model":"real","x":[1.50, "\\u00e4"]}'),
        (b'{"x":{"model":"small"},"model":"small"}', b'{"x":{"model":"small"},"model":"real"}'),
        (b'{ "x":1 }', b'{"x":1,"model":"real"}'),
        (b'{ "model" : "real" , "x":1 }', b'{ "model" : "real" , "x":1 }'),
    ],
)
def test_with_model_replaces_only_the_top_level_model(before: bytes, after: bytes) -> None:
    """Every other value keeps its bytes; a body that has the model already is not touched."""
    assert with_model(before, "real") == after


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.booleans())), st.text())
def test_with_model_changes_nothing_else(fields: dict[str, object], model: str) -> None:
    """Whatever the keys, the decoded body differs in `model` alone."""
    encodable = model.encode("utf-8", "replace").decode()
    changed = json.loads(with_model(msgspec.json.encode(fields), encodable))
    assert changed == fields | {"model": encodable}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_has_its_rules(endpoint: str) -> None:
    """A deployment can serve no endpoint of which nothing is known here."""
    raw = line(url=endpoint, body={"model": "small", "messages": [], "input": "x", "prompt": "x"})
    assert isinstance(rules(endpoint=endpoint).check(raw, 1), bytes)


ALLOWING = ModelPermissions(mode=ModelMode.ALLOW_LIST, model_ids=("small", "chatty", "gone"))
DENYING = ModelPermissions(mode=ModelMode.DENY_LIST, model_ids=("large",))
OF_PROJECT = f"Project `proj_{'1' * 32}` does not have access to model `large`."
OF_KEY = "This API key does not have access to model `large`."


@pytest.mark.parametrize(
    ("permissions", "models", "said"),
    [
        (ALLOWING, None, f"{OF_PROJECT} Models for {CHAT}: 'small', 'chatty'."),
        (DENYING, None, f"{OF_PROJECT} Models for {CHAT}: 'small', 'chatty'."),
        (None, ("small", "gone"), f"{OF_KEY} Models for {CHAT}: 'small'."),
        (DENYING, ("large", "small"), f"{OF_PROJECT} Models for {CHAT}: 'small'."),
        (ALLOWING, (), f"{OF_PROJECT} No model that you may use serves {CHAT}."),
    ],
)
@pytest.mark.parametrize("vendor", list(Vendor))
def test_a_model_that_the_caller_may_not_use(
    vendor: Vendor, permissions: ModelPermissions | None, models: tuple[str, ...] | None, said: str
) -> None:
    """OpenAI's code and sentence (contract 3.3), on every such line, with those models that may be used."""
    access = ModelAccess(project_id="1" * 32, permissions=permissions, models=models)
    checked = LineRules(vendor=vendor, endpoint=CHAT, deployments=DEPLOYMENTS, access=access)

    for number in (1, 2):
        refused = checked.check(line(custom_id=str(number), body=body(model="large")), number)
        assert refused == [BatchError(code="model_not_found", message=said, param="body.model", line=number)]
    assert checked.deployment is None


def test_a_model_that_the_caller_may_use() -> None:
    """Both lists have it."""
    access = ModelAccess(project_id="1" * 32, permissions=ALLOWING, models=("small",))
    checked = LineRules(vendor=Vendor.OPENAI, endpoint=CHAT, deployments=DEPLOYMENTS, access=access)

    assert isinstance(checked.check(line(), 1), bytes)


def test_an_unknown_model_shows_only_what_the_caller_may_use() -> None:
    """Names of other teams' models are not told."""
    access = ModelAccess(project_id="1" * 32, models=("large",))
    checked = LineRules(vendor=Vendor.OPENAI, endpoint=CHAT, deployments=DEPLOYMENTS, access=access)

    refused = checked.check(line(body=body(model="nobody")), 1)

    assert isinstance(refused, list)
    assert refused[0].message == (
        f"The provided model 'nobody' is not supported by the Batch API. Models for {CHAT}: 'large'."
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"model":"m", "messages": []}', b'{"prompt_cache_key":"00000000000000ff","model":"m", "messages": []}'),
        (b' { "input": "prompt_cache_key" }', b'{"prompt_cache_key":"00000000000000ff", "input": "prompt_cache_key" }'),
        (b"{ }", b'{"prompt_cache_key":"00000000000000ff" }'),
        (b'{"model":"m","prompt_cache_key":"mine"}', b'{"model":"m","prompt_cache_key":"mine"}'),
        (b'{"prompt_cache_key":null}', b'{"prompt_cache_key":null}'),
    ],
)
def test_a_cache_key_is_given_to_bodies_without_one(before: bytes, after: bytes) -> None:
    """Every other byte stays."""
    line = RequestLine(custom_id="c", url="/v1/chat/completions", body=before)

    assert with_cache_key(line, 255).body == after
