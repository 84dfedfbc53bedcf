"""The bootstrap key: the first key of an administrator, given by a setting; as it is, or as `sha256:` and its digest.

Rule of this file: keys are only ever compared by digest, in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

HASH_PREFIX: Final = "sha256:"
_HASH = re.compile(rf"{HASH_PREFIX}([0-9A-Fa-f]{{64}})")


def bootstrap_problem(setting: str) -> str | None:
    """Why `setting`, if it says that it is a digest, cannot be one."""
    if not setting.startswith(HASH_PREFIX) or _HASH.fullmatch(setting):
        return None
    return f"expected the key, or {HASH_PREFIX} and 64 hex digits: `printf %s KEY | sha256sum`"


def is_bootstrap_key(setting: str, presented: str) -> bool:
    """Whether `presented` is the key that `setting` says. Where nothing is set, nothing is.

    Neither the length nor the position of a difference shows in the time taken.
    """
    expected = _expected(setting)
    return expected is not None and hmac.compare_digest(expected, _digest(presented))


def _expected(setting: str) -> bytes | None:
    if not setting.startswith(HASH_PREFIX):
        return _digest(setting) if setting else None
    match = _HASH.fullmatch(setting)
    return bytes.fromhex(match[1]) if match else None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
