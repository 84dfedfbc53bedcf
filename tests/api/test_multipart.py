"""The form parser against well-formed, odd and hostile bodies, cut anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.files.multipart import MAX_FIELD_BYTES, MAX_FIELDS, Field, FileStart, Part, read_form
from shared.domain.errors import InvalidRequest

TYPE = "multipart/form-data; boundary=XX"
CONTENT = b'{"custom_id": "1"}\r\n--X\r\n--XY not the boundary\r\n'


def part(disposition: str, content: bytes) -> bytes:
    return b"--XX\r\nContent-Disposition: form-data; " + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"


FILE = part('name="file"; filename="in.jsonl"', CONTENT)
PURPOSE = part('name="purpose"', b"batch")
END = b"--XX--\r\n"
BODY = PURPOSE + FILE + END


async def pieces(body: bytes, size: int = 1 << 16) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def parse(body: bytes, size: int = 1 << 16, content_type: str | None = TYPE) -> list[Part]:
    """The parts, the file's pieces joined into one."""
    parts: list[Part] = []
    async for found in read_form(content_type, pieces(body, size)):
        if isinstance(found, bytes) and parts and isinstance(parts[-1], bytes):
            parts[-1] += found
        else:
            parts.append(found)
    return parts


EXPECTED = [Field(name="purpose", value="batch"), FileStart(filename="in.jsonl"), CONTENT]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
async def test_pieces_of_any_size_give_the_same_parts(size: int) -> None:
    """How the network cuts the body does not matter."""
    assert await parse(BODY, size) == EXPECTED


async def test_fields_may_follow_the_file() -> None:
    """Parts come in the order of the body, whatever it is."""
    assert await parse(FILE + PURPOSE + END) == [*EXPECTED[1:], EXPECTED[0]]


async def test_dotted_names_become_bracketed_ones() -> None:
    """`expires_after.seconds` and `expires_after[seconds]` are one field (contract 1.5.1)."""
    body = part('name="expires_after.seconds"', b"3600") + part('name="expires_after[anchor]"', b"created_at") + END

    assert await parse(body) == [
        Field(name="expires_after[seconds]", value="3600"),
        Field(name="expires_after[anchor]", value="created_at"),
    ]


async def test_names_and_values_are_utf_8() -> None:
    """A filename in any script arrives as it was sent."""
    body = part('name="file"; filename="日本語 ✓.jsonl"', b"x") + END

    assert await parse(body) == [FileStart(filename="日本語 ✓.jsonl"), b"x"]


async def test_an_empty_file_is_a_file() -> None:
    """A file part without bytes still begins a file."""
    assert await parse(part('name="file"; filename="in.jsonl"', b"") + END) == [FileStart(filename="in.jsonl")]


async def test_what_follows_the_closing_boundary_is_ignored() -> None:
    """An epilogue is allowed (RFC 2046, 5.1.1)."""
    assert await parse(BODY + b"anything") == EXPECTED


@pytest.mark.parametrize("cut", range(BODY.index(END) + 5))
async def test_a_body_cut_off_anywhere_is_refused(cut: int) -> None:
    """No prefix of a form passes for the form."""
    with pytest.raises(InvalidRequest, match="ends before its closing boundary"):
        await parse(BODY[:cut])


@settings(max_examples=60)
@given(st.binary(max_size=400), st.integers(1, 50))
async def test_any_content_comes_through(content: bytes, size: int) -> None:
    """The file's bytes are what was sent, whatever they are, unless they hold the boundary itself."""
    if b"\r\n--XX" in content or content.startswith(b"--XX"):
        return
    parts = await parse(part('name="file"; filename="f"', content) + END, size)

    assert b"".join(found for found in parts if isinstance(found, bytes)) == content


@settings(max_examples=100)
@given(st.binary(max_size=600))
async def test_junk_is_refused_and_nothing_else_happens(junk: bytes) -> None:
    """Whatever follows the first boundary, the answer is parts or InvalidRequest."""
    try:
        await parse(b"--XX\r\n" + junk)
    except InvalidRequest:
        return


@pytest.mark.parametrize(
    ("content_type", "message"),
    [
        (None, "not a form"),
        ("application/json", "not a form"),
        ("application/x-www-form-urlencoded", "not a form"),
        ("multipart/form-data", "boundary"),
        ("multipart/form-data; boundary=", "boundary"),
        ("multipart/form-data; boundary=" + "x" * 71, "boundary"),
        ("multipart/form-data; boundary=☃", "boundary does not occur|syntax"),
    ],
)
async def test_a_content_type_that_is_no_form_is_refused(content_type: str | None, message: str) -> None:
    """The header must say multipart/form-data and name a boundary."""
    with pytest.raises(InvalidRequest, match=message):
        await parse(b"x" * 100_000, content_type=content_type)


@pytest.mark.parametrize("start", [b"x", b"\r\n", b"-", b"--XY", b"\n\n\n"])
async def test_ten_megabytes_without_a_boundary_are_refused_early(start: bytes) -> None:
    """Junk is not read to its end."""
    read = 0

    async def junk() -> AsyncIterator[bytes]:
        nonlocal read
        yield start
        for _ in range(160):
            read += 1 << 16
            yield b"\n" * (1 << 16)

    with pytest.raises(InvalidRequest):
        async for _ in read_form(TYPE, junk()):
            pass
    assert read <= 2 << 16


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (part('name="x"', b"") * (MAX_FIELDS + 1) + END, "more than 32 fields"),
        (part('name="x"', b"v" * (MAX_FIELD_BYTES + 1)) + END, "longer than 65536 bytes"),
        (FILE + FILE + END, "two files"),
        (part('name="file"', b"{}") + END, "no filename"),
        (part('name="file"; filename=""', b"{}") + END, "empty filename"),
        (part('name="document"; filename="a"', b"{}") + END, "form field 'file'"),
        (part('filename="a"', b"{}") + END, "a part has no name"),
        (b"--XX\r\n\r\nno headers\r\n" + END, "a part has no name"),
        (b"--XX\r\nno colon\r\n\r\n" + END, "syntax"),
        (b"--XX\r\nA: " + b"x" * 100_000 + b"\r\n\r\n" + END, "syntax"),
        (b"--XX\r\n" + b"A: x\r\n" * 1000 + b"\r\n" + END, "syntax"),
    ],
)
async def test_forms_out_of_bounds_are_refused(body: bytes, message: str) -> None:
    """Everything but the file's content is bounded, and each refusal says what is wrong."""
    with pytest.raises(InvalidRequest, match=message):
        await parse(body)
