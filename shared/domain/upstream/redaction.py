"""The service's own credentials in what an upstream says: found in whatever form they come back, and taken out.

Rule of this file: what is left of JSON is JSON. Success pays nothing for this; a failure's body pays a few passes.
"""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from shared.domain.deployments.deployment import Deployment

_HIDDEN = "…".encode()
_LEAST_CHARACTERS = 8  # What is shorter is no secret but a placeholder, and a part of common words.


def redact(text: bytes, deployment: Deployment) -> bytes:
    """`text` without the deployment's own key, the secrets of its base_url and tokens of the service's identity.

    Found as they are, with any character escaped (JSON, URL, HTML), in hexadecimal, and inside base64.
    """
    for pattern in _patterns(deployment):
        text = pattern.sub(_HIDDEN, text)
    return text


def secrets_of(deployment: Deployment) -> tuple[str, ...]:
    """The key, and what a base_url may hold: a password, values of its query."""
    url = urlsplit(deployment.base_url)
    named = [value for name, value in parse_qsl(url.query) if name != "api-version"]
    found = ((deployment.api_key or "").strip(), url.password or "", *named)
    return tuple(secret for secret in found if len(secret) >= _LEAST_CHARACTERS)


# A JSON Web Token, as the service's identity has. Repetitions are bounded: a refusal may repeat what a caller wrote.
_TOKEN = re.compile(rb"(?<![A-Za-z_-])eyJ[\w-]{8,600}\.[\w-]{8,}\.[\w-]*")


@lru_cache(maxsize=64)
def _patterns(deployment: Deployment) -> tuple[re.Pattern[bytes], ...]:
    forms = [form for secret in secrets_of(deployment) for form in _forms(secret)]
    return (*(re.compile(b"".join(map(_escaped, form))) for form in dict.fromkeys(forms)), _TOKEN)


def _forms(secret: str) -> list[str]:
    raw = secret.encode()
    inside = [_inside(raw, before, encode) for before in range(3) for encode in (b64encode, urlsafe_b64encode)]
    return [secret, raw.hex(), raw.hex().upper(), *inside]


def _inside(raw: bytes, before: int, encode: Callable[[bytes], bytes]) -> str:
    """The characters of base64 that `raw` alone decides, with `before` bytes (modulo 3) in front of it."""
    encoded = encode(bytes(before) + raw)
    whole = (before + len(raw)) * 8 // 6
    return encoded[-(-before * 8 // 6) : whole].decode()


def _escaped(character: str) -> bytes:
    """Each way to write one character. A backslash before it belongs to it, so that none is left alone in a string."""
    raw = re.escape(character.encode())
    percent = b"".join(b"%%(?:25)*%b" % _hexadecimal(b"%02x" % byte) for byte in character.encode())
    code = _hexadecimal(b"%x" % ord(character))
    unicode = b"u%b" % _hexadecimal(b"%04x" % ord(character))
    return b"(?:%b|\\\\\\\\{0,7}(?:%b|%b)|%b|&#(?:0*%d|[xX]0*%b);)" % (raw, unicode, raw, percent, ord(character), code)


def _hexadecimal(digits: bytes) -> bytes:
    return b"".join(b"[%c%c]" % (digit, bytes([digit]).upper()[0]) if digit > 64 else b"%c" % digit for digit in digits)


_LIKELY = re.compile(r"(?i)(bearer\s+|api[-_ ]?key(?: provided)?[\"']?\s*[:=]\s*[\"']?|\bsk-)[^\s\"'<>]+")


def mask(text: str) -> str:
    """`text` without what looks like anybody's credential."""
    return _LIKELY.sub(r"\1…", text)
