"""Signatures of deliveries by the rules of Standard Webhooks (contract 8.3). Pure: the caller hands in the randomness.

A secret is `whsec_` and the base64 of its key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

PREFIX = "whsec_"
KEY_BYTES = 32


def new_secret(randomness: bytes) -> str:
    """A secret whose key is `randomness`, `KEY_BYTES` random bytes."""
    return PREFIX + base64.b64encode(randomness).decode()


def secret_hint(secret: str) -> str:
    """Enough to tell two secrets apart, too little to guess one."""
    return f"{PREFIX}…{secret.rstrip('=')[-4:]}"


def signed_headers(message_id: str, at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The headers of a delivery sent `at`: one signature for each secret, any of which receivers accept; no
    secret, no signature.
    """
    seconds = str(int(at.timestamp()))
    text = f"{message_id}.{seconds}.".encode() + body
    signatures = " ".join(f"v1,{_signature(secret, text)}" for secret in secrets)
    headers = {"webhook-id": message_id, "webhook-timestamp": seconds}
    return headers | {"webhook-signature": signatures} if signatures else headers


def _signature(secret: str, text: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
