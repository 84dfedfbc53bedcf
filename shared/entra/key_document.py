"""Reading the public keys with which a tenant's tokens are signed: its OpenID configuration, then what that names.

Rule of this file: both come from the authority that the operator named, over https (or on loopback), without redirects,
within seconds and a bounded size; and only RSA keys for signatures of this tenant's tokens are taken from them.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from shared.domain.keys.entra_rules import EntraRules, is_trusted_address

ALGORITHM: Final = "RS256"
_MOST_BYTES: Final = 1_048_576
_SECONDS: Final = 5.0
_HEADERS: Final = {"accept-encoding": "identity", "user-agent": "durable-batch"}


class NoKeys(Exception):
    """The keys could not be had; the message says why."""


class _Configuration(msgspec.Struct, frozen=True):
    issuer: str
    jwks_uri: str


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


async def fetch_keys(rules: EntraRules) -> dict[str, RSAPublicKey]:
    """The tenant's keys by their ids, at least one. Raises NoKeys."""
    try:
        async with _client() as client, asyncio.timeout(_SECONDS):
            configuration = msgspec.json.decode(await _read(client, rules.configuration_url), type=_Configuration)
            _check(configuration, rules)
            entries = msgspec.json.decode(await _read(client, configuration.jwks_uri), type=_KeySet).keys
    except TimeoutError as error:
        raise NoKeys(f"no answer within {_SECONDS:g} seconds") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, msgspec.DecodeError, RecursionError) as error:
        raise NoKeys(f"{type(error).__name__}: {error}"[:300]) from error
    own = [entry for entry in entries if _issuer(entry, rules) == rules.issuer]
    keys = {entry["kid"]: key for entry in own if (key := _key(entry)) is not None}
    if not keys:
        raise NoKeys("the issuer's document has no RSA key for signatures of this tenant")
    return keys


@cache
def _tls() -> ssl.SSLContext:
    """Made once, for it costs milliseconds."""
    return httpx.create_ssl_context()


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=_tls(), timeout=_SECONDS, headers=_HEADERS)


def _check(configuration: _Configuration, rules: EntraRules) -> None:
    if configuration.issuer != rules.issuer:
        raise NoKeys(f"the configuration is of {configuration.issuer[:200]}, not of {rules.issuer}")
    if not is_trusted_address(configuration.jwks_uri) or _origin(configuration.jwks_uri) != _origin(rules.authority):
        raise NoKeys("the configuration names keys elsewhere than at the authority")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


async def _read(client: httpx.AsyncClient, url: str) -> bytes:
    async with client.stream("GET", url, follow_redirects=False) as response:
        if response.status_code != httpx.codes.OK:
            raise NoKeys(f"the issuer answered {response.status_code}")
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > _MOST_BYTES:
                raise NoKeys(f"the issuer's answer is larger than {_MOST_BYTES} bytes")
        return body


def _issuer(entry: dict[str, Any], rules: EntraRules) -> str:
    """Whose tokens the key is for: Entra ID has keys of other issuers in the same document, as of personal accounts."""
    named = entry.get("issuer") or rules.issuer
    return named.replace("{tenantid}", rules.tenant) if isinstance(named, str) else ""


def _key(entry: dict[str, Any]) -> RSAPublicKey | None:
    """None for what is no RSA key for signatures: others in the same document stay good."""
    if entry.get("use", "sig") != "sig" or not isinstance(entry.get("kid"), str):
        return None
    try:
        key = jwt.PyJWK({name: entry.get(name) for name in ("kty", "n", "e")}, ALGORITHM).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) else None
