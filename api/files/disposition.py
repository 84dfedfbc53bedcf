r"""The `Content-Disposition` of a form's part: its name and filename, however the client has written them. Pure.

Clients write a name that is not plain ASCII in one of four ways, and some in two at once (contract 9.3): raw UTF-8; an
encoded word (RFC 2047, .NET); `filename*` (RFC 5987, .NET); and quotes as `\"` (Python) or `%22` (browsers, curl).
What cannot be decoded stays as it was sent. A path stays a path: OpenAI keeps it, too (contract 9.6).
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

# Each backslash takes the next character with it, so that there is one way to read a value, and a bound to the work.
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;]*))', re.DOTALL)
_ESCAPED = re.compile(r'\\([\\"])')
_WORD = re.compile(r"=\?([\w.-]+)(?:\*[\w-]*)?\?([BbQq])\?([^?\s]*)\?=", re.ASCII)
_WORDS = re.compile(rf"{_WORD.pattern}(?:\s*{_WORD.pattern})*", re.ASCII)
_EXTENDED = re.compile(r"(utf-8|iso-8859-1)'[^']*'(.*)", re.ASCII | re.IGNORECASE)
_BROWSERS = {"%22": '"', "%0D": "\r", "%0A": "\n"}  # All that browsers escape (WHATWG HTML, 4.10.22.8).


def parse_disposition(header: bytes) -> dict[str, str]:
    """The parameters by their names in lower case; `filename` is what `filename*` says, if that can be read."""
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(header.decode("utf-8", "replace")):
        found[name.lower()] = _ESCAPED.sub(r"\1", quoted) if quoted else plain.strip().strip('"')
    extended = _from_extended(found.pop("filename*", ""))
    read = {name: _from_words(_from_browser(value)) for name, value in found.items()}
    return read | {"filename": extended} if extended else read


def _from_browser(value: str) -> str:
    for escape, character in _BROWSERS.items():
        value = value.replace(escape, character)
    return value


def _from_extended(value: str) -> str | None:
    match = _EXTENDED.fullmatch(value)
    try:
        return unquote_to_bytes(match[2]).decode(match[1]) if match else None
    except UnicodeDecodeError:
        return None


def _from_words(value: str) -> str:
    """A value that is nothing but encoded words, decoded."""
    if not _WORDS.fullmatch(value):
        return value
    try:
        decoded = "".join(_word(*match.groups()) for match in _WORD.finditer(value))
        decoded.encode()  # There are charsets, such as UTF-7, that can say half of a surrogate pair.
    except (LookupError, ValueError):  # An unknown charset, or bytes that are none of it.
        return value
    return decoded


def _word(charset: str, encoding: str, text: str) -> str:
    raw = base64.b64decode(text, validate=True) if encoding in "Bb" else binascii.a2b_qp(text, header=True)
    return raw.decode(charset)
