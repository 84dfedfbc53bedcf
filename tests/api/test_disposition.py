"""Names of a form's parts, as clients write them: the exact bytes of their headers."""

from __future__ import annotations

import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.files.disposition import parse_disposition

CHINESE = "你好.jsonl"
DOTNET = b"form-data; name=file; filename=\"=?utf-8?B?5L2g5aW9Lmpzb25s?=\"; filename*=utf-8''%E4%BD%A0%E5%A5%BD.jsonl"


@pytest.mark.parametrize(
    ("header", "filename"),
    [
        (DOTNET, CHINESE),
        (b'form-data; name="file"; filename="=?utf-8?B?5L2g5aW9Lmpzb25s?="', CHINESE),
        (b'form-data; name="file"; filename="=?UTF-8?Q?=E4=BD=A0=E5=A5=BD.jsonl?="', CHINESE),
        (b'form-data; name="file"; filename="=?iso-8859-1?Q?gr=FC=DFe_1.jsonl?="', "grüße 1.jsonl"),
        (b'form-data; name="file"; filename="=?utf-8?B?5L2g?= =?utf-8?B?5aW9Lmpzb25s?="', CHINESE),
        (b"form-data; name=\"file\"; filename*=UTF-8''%E4%BD%A0%E5%A5%BD.jsonl", CHINESE),
        (b"form-data; name=\"file\"; filename*=UTF-8'en'%e2%82%ac.jsonl; filename=EUR.jsonl", "€.jsonl"),
        (b"form-data; name=file; FILENAME*=iso-8859-1''gr%FC%DFe.jsonl", "grüße.jsonl"),
        ('form-data; name="file"; filename="你好.jsonl"'.encode(), CHINESE),
        (b'form-data; name="file"; filename="a \\"b\\" \\\\ c.jsonl"', 'a "b" \\ c.jsonl'),
        (b'form-data; name="file"; filename="a %22b%22 100%.jsonl"', 'a "b" 100%.jsonl'),
        (b'form-data; name="file"; filename="a; b=c.jsonl"; x="y"', "a; b=c.jsonl"),
        (b"form-data; name=file; filename=plain.jsonl ", "plain.jsonl"),
        (b'form-data ;name = "file" ; filename = "spaced.jsonl"', "spaced.jsonl"),
        (b'form-data; name="file"; filename="C:\\data\\in.jsonl"', "C:\\data\\in.jsonl"),
        (b'form-data; name="file"; filename="/data/in.jsonl"', "/data/in.jsonl"),
    ],
)
def test_a_filename_is_read(header: bytes, filename: str) -> None:
    """.NET's two ways at once, each alone, Python's and browsers' quotes, and paths, kept (contract 9.3, 9.6)."""
    assert parse_disposition(header) == {"name": "file", "filename": filename} | (
        {"x": "y"} if header.endswith(b'x="y"') else {}
    )


@pytest.mark.parametrize(
    "filename",
    [
        "=?utf-8?B?!!!?=",
        "=?utf-8?B?/w==?=",
        "=?no-such-charset?Q?a?=",
        "=?utf-7?Q?+2AA-?=",
        "=?zip?Q?a?=",
        "before =?utf-8?B?YQ==?=",
        "=?utf-8?X?YQ==?=",
        "a%2Fb%41.jsonl",
    ],
)
def test_what_cannot_be_decoded_stays(filename: str) -> None:
    """Broken words, unknown charsets, half of a surrogate pair; and what no client has encoded."""
    header = b'form-data; name="file"; filename="' + filename.encode() + b'"'
    assert parse_disposition(header)["filename"] == filename


@pytest.mark.parametrize("extended", ["utf-8''%FF", "koi8-r''a", "no quotes", "", "utf-8''"])
def test_a_broken_extended_name_leaves_the_plain_one(extended: str) -> None:
    """RFC 6266, 4.3: what is not understood is as if it were not there."""
    header = f'form-data; name="file"; filename*={extended}; filename="plain.jsonl"'
    assert parse_disposition(header.encode())["filename"] == "plain.jsonl"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_escaped_as_python_does_any_name_comes_back(name: str) -> None:
    """Quotes and backslashes with a backslash before them; unless a browser would have written it otherwise."""
    if "%" in name or "=?" in name:
        return
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_disposition(f'form-data; name="file"; filename="{escaped}"'.encode())["filename"] == name


@given(st.binary())
def test_any_header_is_read_without_an_error(header: bytes) -> None:
    """Names that are text, whatever the bytes."""
    for value in parse_disposition(header).values():
        value.encode()


@pytest.mark.parametrize("filler", [b"\\", b'\\"', b"; a", b"=?a?b?", b'; a="', b" "])
def test_hostile_headers_cost_little(filler: bytes) -> None:
    """The work grows with the length, not with its powers: 8 kB is what a form's headers may hold."""
    began = time.process_time()
    parse_disposition(b'form-data; name="file"; filename="' + filler * (8192 // len(filler)))
    assert time.process_time() - began < 0.5


async def test_an_upload_of_dotnet(api: httpx.AsyncClient) -> None:
    """The request as `MultipartFormDataContent` writes it, its name decoded as OpenAI decodes it (contract 9.3)."""
    line = b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}\n'
    body = (
        b"--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=purpose\r\n\r\nbatch\r\n"
        b"--x\r\nContent-Disposition: " + DOTNET + b"\r\n\r\n" + line + b"\r\n--x--\r\n"
    )
    headers = {"content-type": 'multipart/form-data; boundary="x"'}
    answer = await api.post("/v1/files", content=body, headers=headers)
    content = await api.get(f"/v1/files/{answer.json()['id']}/content")

    assert (answer.status_code, answer.json()["filename"]) == (200, CHINESE)
    assert content.headers["content-disposition"].endswith("filename*=UTF-8''%E4%BD%A0%E5%A5%BD.jsonl")
