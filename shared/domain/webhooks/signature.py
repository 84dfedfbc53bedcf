"""Signatures of deliveries by the rules of Standard Webhooks (contract 8.3). Pure: the caller hands in the randomness.

A secret is `whsec_` and the base64 of its key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

_PREFIX = "whsec_"
KEY_BYTES = 32


def new_secret(randomness: bytes) -> str:
    """A secret whose key is `randomness`, `KEY_BYTES` random bytes."""
    return _PREFIX + base64.b64encode(randomness).decode()


def secret_hint(secret: str) -> str:
    """Enough to tell two secrets apart, too little to guess one."""
    return f"{_PREFIX}…{secret.rstrip('=')[-4:]}"


def signed_headers(message_id: str, at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The three headers of a delivery sent `at`: one signature for each secret, any of which receivers accept."""
    seconds = str(int(at.timestamp()))
    text = f"{message_id}.{seconds}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{_signature(secret, text)}" for secret in secrets),
    }


def _signature(secret: str, text: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
