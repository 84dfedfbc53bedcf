"""What an upload must be (contract 1.5.1), and the literal refusals of 1.3."""

from __future__ import annotations

import pytest

from shared.domain.errors import InvalidRequest
from shared.domain.file import ExpiresAfter
from shared.domain.new_file import NewFile, parse_new_file

FORMAT = r"^Invalid file format for Batch API\. Must be \.jsonl$"


def parse(
    fields: dict[str, str] | None = None, name: str = "a.jsonl", head: bytes = b"{}", whole: bool = True
) -> NewFile:
    return parse_new_file({"purpose": "batch"} if fields is None else fields, name, head, whole=whole)


def test_a_good_upload() -> None:
    """Name, purpose and first line are right; nothing was said about expiry."""
    assert parse() == NewFile(filename="a.jsonl", purpose="batch", expires_after=None)


@pytest.mark.parametrize("name", ["a.txt", "a.json", "jsonl", "a.jsonl.gz", "a"])
def test_a_batch_file_is_named_jsonl(name: str) -> None:
    """Contract 1.3, literal."""
    with pytest.raises(InvalidRequest, match=FORMAT):
        parse(name=name)


@pytest.mark.parametrize(
    "head",
    [b"", b"\n", b"{malformed json", b"[1]", b'"text"', b"1", b"a,b\n1,2", b"\x00{}", b"{}{}",
     b'{"a":' * 50_000],
)  # fmt: skip
def test_a_batch_file_begins_with_an_object(head: bytes) -> None:
    """Contract 1.3, literal: empty, malformed, or something that is no JSON object."""
    with pytest.raises(InvalidRequest, match=FORMAT):
        parse(head=head)


@pytest.mark.parametrize(
    "head", [b"{}", b'{"a":1}\nbroken', b'{"a":1}\r\n', b"\r\n\n{}\n", b'\xef\xbb\xbf{"a":1}\n', b'{"no": "method"}']
)
def test_later_lines_are_not_looked_at(head: bytes) -> None:
    """The check is shallow: later lines, keys and a byte order mark are judged per batch (contract 1.5.1, 3.3)."""
    assert parse(head=head).purpose == "batch"


def test_a_first_line_longer_than_the_head_passes_if_it_begins_an_object() -> None:
    """What cannot be seen is left to validation."""
    assert parse(head=b'{"a": "xxx', whole=False).purpose == "batch"


def test_a_long_first_line_that_begins_no_object_is_refused() -> None:
    """Even the first byte is enough to tell."""
    with pytest.raises(InvalidRequest, match=FORMAT):
        parse(head=b"PK\x03\x04", whole=False)


@pytest.mark.parametrize("purpose", ["fine-tune", "assistants", "user_data", "vision", "evals"])
def test_other_purposes_take_any_file(purpose: str) -> None:
    """Name and content matter only to batch files."""
    assert parse({"purpose": purpose}, name="a.pdf", head=b"%PDF").purpose == purpose


def test_an_unknown_purpose() -> None:
    """Contract 1.3, literal."""
    with pytest.raises(InvalidRequest) as caught:
        parse({"purpose": "vector_store"})

    assert caught.value.message == (
        "'vector_store' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'"
    )


def test_callers_cannot_upload_result_files() -> None:
    """`batch_output` is made by the service alone."""
    with pytest.raises(InvalidRequest, match="is not one of"):
        parse({"purpose": "batch_output"})


def test_purpose_is_required() -> None:
    """A missing field is named."""
    with pytest.raises(InvalidRequest, match="Missing required parameter: 'purpose'"):
        parse({})


def test_expiry() -> None:
    """Form fields are text (contract 9.1, no. 3)."""
    fields = {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}

    assert parse(fields).expires_after == ExpiresAfter(seconds=3600)


@pytest.mark.parametrize(
    ("anchor", "seconds", "code"),
    [
        (None, "3600", "missing_required_parameter"),
        ("created_at", None, "missing_required_parameter"),
        ("now", "3600", "invalid_value"),
        ("created_at", "", "invalid_type"),
        ("created_at", "1h", "invalid_type"),
        ("created_at", "3600.5", "invalid_type"),
        ("created_at", "9" * 5000, "invalid_type"),
        ("created_at", "-1", "integer_below_min_value"),
        ("created_at", "3599", "integer_below_min_value"),
        ("created_at", "2592001", "integer_above_max_value"),
    ],
)
def test_a_wrong_expiry(anchor: str | None, seconds: str | None, code: str) -> None:
    """Both parts are required, 3600 to 2592000 seconds from creation."""
    given = {"purpose": "batch", "expires_after[anchor]": anchor, "expires_after[seconds]": seconds}
    with pytest.raises(InvalidRequest) as caught:
        parse({name: value for name, value in given.items() if value is not None})

    assert caught.value.code == code


def test_an_absurdly_long_filename_is_refused() -> None:
    """What goes into a record is bounded."""
    with pytest.raises(InvalidRequest, match="string too long"):
        parse(name="a" * 300 + ".jsonl")
