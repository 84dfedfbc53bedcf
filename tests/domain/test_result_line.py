import json
import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.lines.result_line import (
    NeverRan,
    error_object,
    failure_line,
    line_id,
    never_ran_line,
    one_line,
    success_line,
)
from shared.domain.raw_json import repair_surrogates
from shared.domain.vendors.vendor import Vendor

ANY_TEXT = st.text(st.characters(codec=None))  # lone surrogates and line separators included
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def parse(line: bytes) -> dict:
    assert line.endswith(b"\n")
    text = line.decode()
    assert len(text.splitlines()) == 1
    return json.loads(text)


def success(vendor=Vendor.OPENAI, custom_id="a", request_id="req_1", body=b'{"x":1}'):
    return success_line(vendor, request_line_id=line_id("b", 1), custom_id=custom_id, request_id=request_id, body=body)


def failure(vendor=Vendor.OPENAI, custom_id="a", request_id="req_1", status=400, body=b'{"error":{}}'):
    return failure_line(
        vendor, request_line_id=line_id("b", 1), custom_id=custom_id, request_id=request_id, status=status, body=body
    )


def test_openai_success_shape():
    """An OpenAI success line has the keys of contract 4.1, in their order."""
    line = parse(success())

    assert ["id", "custom_id", "response", "error"] == list(line)
    assert {"status_code": 200, "request_id": "req_1", "body": {"x": 1}} == line["response"]
    assert ["status_code", "request_id", "body"] == list(line["response"])
    assert line["error"] is None


def test_azure_success_shape():
    """An Azure success line has no id, Azure's key order, and a UUID for a request id (contract 4.2)."""
    name = "660b7424-b648-4b67-addc-862ba067d442"
    line = parse(success(Vendor.AZURE, request_id=name))

    assert ["custom_id", "response", "error"] == list(line)
    assert ["body", "request_id", "status_code"] == list(line["response"])
    assert name == line["response"]["request_id"]


def test_azure_request_id_is_always_a_uuid():
    """An upstream's request id that is no UUID gives way to one that stays the same for the line."""
    first, second = (parse(success(Vendor.AZURE, request_id="req_abc"))["response"]["request_id"] for _ in range(2))

    assert first == second == str(uuid.UUID(first))


def test_request_id_falls_back_to_the_line():
    """Without a request id from the upstream an OpenAI line carries 32 hex digits of its own."""
    assert parse(success(request_id=None))["response"]["request_id"] == line_id("b", 1).removeprefix("batch_req_")


def test_http_failure_has_a_response_and_no_error():
    """A request that ran and was refused has `response` filled and `error` null (contract 4.1)."""
    line = parse(failure(status=429))

    assert {"status_code": 429, "request_id": "req_1", "body": {"error": {}}} == line["response"]
    assert line["error"] is None


def test_failure_without_answer_has_an_error_and_no_response():
    """A request without an HTTP answer has `response` null and the reason in `error`."""
    line = parse(failure(status=None, body=error_object(NeverRan.REQUEST_TIMEOUT, "It was given 5 seconds.")))

    assert line["response"] is None
    assert line["error"]["code"] == "request_timeout"
    assert line["error"]["message"].endswith("It was given 5 seconds.")


@pytest.mark.parametrize("vendor", Vendor)
@pytest.mark.parametrize("code", NeverRan)
def test_never_ran(vendor, code):
    """Every reason for not running has a code and a message on both vendors' lines."""
    line = parse(never_ran_line(vendor, request_line_id=line_id("b", 1), custom_id="a", code=code))

    assert line["response"] is None
    assert line["error"]["code"] == code.value
    assert len(line["error"]["message"]) > 20


def test_expired_message_is_literal():
    """The message of an expired line is OpenAI's, word for word (contract 4.1)."""
    line = parse(
        never_ran_line(Vendor.OPENAI, request_line_id=line_id("b", 1), custom_id="a", code=NeverRan.BATCH_EXPIRED)
    )

    assert line["error"]["message"] == "This request could not be executed before the completion window expired."


@given(custom_id=ANY_TEXT, request_id=st.none() | ANY_TEXT, body=JSON, vendor=st.sampled_from(Vendor))
def test_every_line_is_one_line_of_json(custom_id, request_id, body, vendor):
    """Whatever the custom_id, the upstream's id and the body: one physical line, valid JSON, nothing changed."""
    pretty = one_line(json.dumps(body, indent=1, ensure_ascii=False).encode())
    made = parse(success(vendor, custom_id=custom_id, request_id=request_id, body=pretty))
    failed = parse(failure(vendor, custom_id=custom_id, request_id=request_id, body=pretty))

    assert custom_id == made["custom_id"] == failed["custom_id"]
    assert body == made["response"]["body"] == failed["response"]["body"]


def test_bodies_are_not_encoded_again():
    """Numbers, escapes and key order of a body stay byte for byte as the model sent them."""
    body = b'{"z":1.50,"a":1e3,"a":"\\u00e9\\/"}'

    assert body in success(body=one_line(body))


def test_one_line_drops_line_ends_between_tokens_only():
    """An indented document loses its line ends; an escaped one inside a string stays."""
    assert one_line(b'{\r\n  "a": "x\\ny",\n  "b": [1,\n 2]\n}\n') == b'{"a":"x\\ny","b":[1,2]}'


def test_one_line_escapes_line_separators():
    """Characters inside strings that many readers take for line ends are escaped; other text stays as it is."""
    assert one_line('{"a":"x\u2028y\u2029z\u0085é"}'.encode()) == '{"a":"x\\u2028y\\u2029z\\u0085é"}'.encode()


def test_line_ids_are_stable_and_distinct():
    """A line's id depends on batch and line number alone and fits the contract's form."""
    ids = {line_id(batch, line) for batch in ("b1", "b11") for line in range(1, 120)}

    assert len(ids) == 2 * 119
    assert all(len(name) == len("batch_req_") + 32 for name in ids)
    assert line_id("b1", 7) == line_id("b1", 7)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (rb'{"a":"x\ud83d"}', "x\ufffd"),
        (rb'{"a":"\udc00x"}', "\ufffdx"),
        (rb'{"a":"\ud83d\ud83d\ude00"}', "\ufffd\U0001f600"),
        (rb'{"a":"\\ud83d"}', "\\ud83d"),
        (rb'{"a":"\uD83D\uDE00\n"}', "\U0001f600\n"),
    ],
)
def test_half_surrogate_pairs_are_replaced(sent, kept):
    """Only an escaped half of a surrogate pair becomes U+FFFD; whole pairs and other escapes stay."""
    assert msgspec.json.decode(repair_surrogates(sent)) == {"a": kept}
