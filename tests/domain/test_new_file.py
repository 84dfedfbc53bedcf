"""What an upload must be (contract 1.5.1), and the literal refusals of contract 1.3."""

from __future__ import annotations

import gzip

import pytest

from shared.domain.errors import InvalidRequest
from shared.domain.files.file import ExpiresAfter
from shared.domain.files.new_file import NewFile, parse_new_file

FORMAT = "Invalid file format for Batch API. Must be .jsonl"


def parse(
    fields: dict[str, str] | None = None, name: str = "a.jsonl", head: bytes = b"{}", whole: bool = True
) -> NewFile:
    return parse_new_file({"purpose": "batch"} if fields is None else fields, name, head, whole=whole)


def test_a_good_upload() -> None:
    """Name, purpose and first line are right; nothing was said about expiry."""
    assert parse() == NewFile(filename="a.jsonl", purpose="batch", expires_after=None)


@pytest.mark.parametrize("name", ["a.txt", "a.json", "a.jsonl.gz", ".txt", "a.jsonl/b.txt", "C:\\a.jsonl\\b.csv"])
def test_another_extension_is_refused(name: str) -> None:
    """Contract 1.3, literal."""
    with pytest.raises(InvalidRequest) as caught:
        parse(name=name)
    assert caught.value.message == FORMAT


@pytest.mark.parametrize(
    "name",
    [
        "upload",
        "unknown_file",
        "anonymous_file",
        "file",
        "-",
        "jsonl",
        "A.JSONL",
        ".jsonl",
        "C:\\v1.2\\upload",
        "/v1.2/upload",
    ],
)
def test_a_name_without_an_extension_is_taken(name: str) -> None:
    """So do SDKs name bytes, and OpenAI takes them (contract 9.3)."""
    assert parse(name=name).filename == name


ADVICE = "Write each request as one JSON object on a line of its own, in UTF-8."


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "the file is empty."),
        (b"\n \n", "the file is empty."),
        (b"{malformed json", f"line 1 is malformed: expected '\"' (byte 1). {ADVICE}"),
        (b"[1]", f"line 1 is an array. {ADVICE}"),
        (b'[{"custom_id": "a"},\n', f"line 1 begins with '[{{\"custom_id\": \"a\"}},'. {ADVICE}"),
        (b'{\n  "custom_id"', f"line 1 is cut off: a request has to be on one line, from {{ to }}. {ADVICE}"),
        (b'\n\n"text"', f"line 3 is a string. {ADVICE}"),
        (b"1", f"line 1 is a number. {ADVICE}"),
        (b"a,b\n1,2", f"line 1 begins with 'a,b'. {ADVICE}"),
        (b"\x00{}", f"line 1 begins with '\\x00{{}}'. {ADVICE}"),
        (b"{}{}", f"line 1 is malformed: trailing characters (byte 3). {ADVICE}"),
        (b'{"a":' * 50_000, f"line 1 nests deeper than 256 levels. {ADVICE}"),
        (b'{"a":"cut \\ud83d"}', f"line 1 has half of an escaped surrogate pair (a character cut in two). {ADVICE}"),
        (gzip.compress(b"{}", mtime=0), "this is gzip. Unpack it, and send the JSON lines in it."),
        (b"PK\x03\x04...", "this is a zip archive (a workbook, .xlsx, is one too). Unpack it, and send the JSON lines in it."),
        (b"\x28\xb5\x2f\xfd", "this is zstd. Unpack it, and send the JSON lines in it."),
        (b"PAR1\x15", "this is Parquet. Write each of its rows as a JSON object on a line of its own."),
    ],
)  # fmt: skip
def test_what_holds_no_json_lines_is_refused_with_the_reason(head: bytes, reason: str) -> None:
    """Contract 1.3, literal, and what the file is instead."""
    with pytest.raises(InvalidRequest) as caught:
        parse(head=head)
    assert caught.value.message == f"{FORMAT}: {reason}"


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"{}\n".decode().encode("utf-16"), "this is UTF-16. Save it as UTF-8."),
        (b"{}\n".decode().encode("utf-16-le"), "this is UTF-16. Save it as UTF-8."),
        (b"{}\n".decode().encode("utf-16-be"), "this is UTF-16. Save it as UTF-8."),
        (b"{}\n".decode().encode("utf-32"), "this is UTF-32. Save it as UTF-8."),
        (b"{}\n".decode().encode("utf-32-be"), "this is UTF-32. Save it as UTF-8."),
        ('{"a":"größe"}\n'.encode("latin-1"), f"line 1 is not UTF-8: its byte 8 is 0xF6. {ADVICE}"),
    ],
)
def test_what_is_not_utf8_is_refused_with_the_reason(head: bytes, reason: str) -> None:
    """Contract 9.3, literal, and what the file is instead."""
    with pytest.raises(InvalidRequest) as caught:
        parse(head=head)
    assert caught.value.message == f"Invalid file for Batch API. Must be utf-8 encoded: {reason}"


def test_what_a_file_is_comes_before_its_name() -> None:
    """`.jsonl.gz` or `.csv`: the reason says what to do, the name does not."""
    with pytest.raises(InvalidRequest, match="this is gzip. Unpack it"):
        parse(name="a.jsonl.gz", head=gzip.compress(b"{}", mtime=0))


def test_a_head_of_white_space_is_refused() -> None:
    """No program writes that before its first line."""
    with pytest.raises(InvalidRequest, match="its first 5 bytes are white space"):
        parse(head=b" " * 5, whole=False)


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
    """Form fields are text (contract 9.1 no. 3)."""
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
