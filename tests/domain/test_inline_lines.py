"""Requests in a create call become lines: what is filled in, what stays as it was, and what is no JSON."""

from __future__ import annotations

import msgspec
import pytest

from shared.domain.errors import InvalidRequest
from shared.domain.lines.inline_lines import InlineLines

LINES = InlineLines(
    url="/v1/chat/completions", body={"model": msgspec.Raw(b'"m"'), "temperature": msgspec.Raw(b"0.10")}
)
PLAIN = InlineLines(url="/v1/embeddings")


def test_a_whole_line_stays_byte_for_byte() -> None:
    """Where nothing is to be filled in."""
    line = b'{"custom_id":"a","method":"POST","url":"/v1/x","body":{"n": 1.50, "s":"\\u00e4"}}'
    assert PLAIN.line(line, 0) == line + b"\n"


@pytest.mark.parametrize("name", [b"body", b"params"])
def test_method_url_and_fields_of_the_body_are_filled_in(name: bytes) -> None:
    """What the request says itself goes before, null included; its numbers keep their digits."""
    line = LINES.line(b'{"custom_id":"a","%b":{"temperature":null,"seed":1.50}}' % name, 0)
    assert line == (
        b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions",'
        b'"body":{"model":"m","temperature":null,"seed":1.50}}\n'
    )


def test_a_request_without_a_body_has_what_all_have() -> None:
    """The same question many times over need not be said each time."""
    line = LINES.line(b'{"custom_id":"a"}', 0)
    assert line.endswith(b',"body":{"model":"m","temperature":0.10}}\n')


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"{}", b'{"method":"POST","url":"/v1/embeddings"}'),
        (b'{"custom_id":1,"method":null,"url":null,"body":[]}', None),
        (b"7", b"7"),
        (b'"x"', b'"x"'),
        (b"[1,\n 2]", b"[1,2]"),
        (b'{"custom_id":\r\n "a",\n\n "body": {"x":\n 1}, "more": 2}', None),
    ],
)
def test_what_makes_no_line_is_left_for_validation(request_: bytes, expected: bytes | None) -> None:
    """It stays on one line, the one of its number."""
    line = PLAIN.line(request_, 0)
    assert (line.count(b"\n"), line.endswith(b"\n"), b"\r" in line) == (1, True, False)
    assert expected is None or line == expected + b"\n"


@pytest.mark.parametrize("text", [b"", b"nope", b'{"a":}', b'{"custom_id":"a\nb"}', b'{"a":1', b"[" * 100_000])
def test_what_is_no_json_is_refused_by_its_index(text: bytes) -> None:
    """The whole call is no JSON then."""
    with pytest.raises(InvalidRequest, match=r"not valid JSON: requests\[3\]") as refused:
        PLAIN.line(text, 3)
    assert refused.value.param == "requests[3]"


@pytest.mark.parametrize("body", [b'"x"', b"null", b'{"a":"\xff"}', b"{" + b'"a":{' * 300 + b"}" * 301])
def test_a_body_that_cannot_be_filled_stays(body: bytes) -> None:
    """For validation, which says what it lacks."""
    assert body in LINES.line(b'{"custom_id":"a","body":' + body + b"}", 0) or b'"model":"m"' in LINES.line(
        b'{"custom_id":"a","body":' + body + b"}", 0
    )
