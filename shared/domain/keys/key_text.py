"""The text of an API key: which row it is of, a secret, and a checksum over both.

`dbk_` (`dba_` for administrators), an id of 22 base62 characters, a secret of 43, a checksum of 6. So a key that was
mistyped or cut short costs no look-up, a good one a single point read, and scanners find those that leaked.

Rule of this file: only an HMAC of the secret is ever stored or compared.
"""

from __future__ import annotations

import hmac
import re
import zlib
from typing import NamedTuple

from shared.domain import ids

SECRET_BYTES = 32
PROJECT_PREFIX = "dbk_"
ADMIN_PREFIX = "dba_"
_ID = 22
_SECRET = 43
_CHECKSUM = 6
_TEXT = re.compile(
    rf"(dbk_|dba_)([0-9A-Za-z]{{{_ID}}})([0-9A-Za-z]{{{_SECRET}}})([0-9A-Za-z]{{{_CHECKSUM}}})", re.ASCII
)


class KeyText(NamedTuple):
    """A key's parts. `id` is canonical; `is_admin` says only what the text claims."""

    id: str
    secret: str
    is_admin: bool

    def __repr__(self) -> str:  # The secret never reaches a log.
        return f"KeyText({self.id!r})"

    def __str__(self) -> str:
        return repr(self)


def write_key(key_id: str, randomness: bytes, *, is_admin: bool = False) -> str:
    """The text of a new key; `randomness` is `SECRET_BYTES` random bytes."""
    prefix = ADMIN_PREFIX if is_admin else PROJECT_PREFIX
    body = f"{prefix}{ids.to_base62(key_id)}{ids.base62(int.from_bytes(randomness, 'big'), _SECRET)}"
    return body + _checksum(body)


def parse_key(text: str) -> KeyText | None:
    """None for what was never a key of ours."""
    match = _TEXT.fullmatch(text)
    if match is None or _checksum(text[:-_CHECKSUM]) != match[4]:
        return None
    key_id = ids.parse(match[2])
    return KeyText(key_id, match[3], match[1] == ADMIN_PREFIX) if key_id else None


def digest_of(key: KeyText, pepper: bytes) -> str:
    """What is stored in place of the secret, in hex; bound to the id and the kind of key."""
    message = f"{'admin' if key.is_admin else 'project'}:{key.id}:{key.secret}".encode()
    return hmac.digest(pepper, message, "sha256").hex()


def _checksum(body: str) -> str:
    return ids.base62(zlib.crc32(body.encode()), _CHECKSUM)
