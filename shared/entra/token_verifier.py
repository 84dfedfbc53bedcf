"""Access tokens of the tenant, verified: signature, issuer, audience and times, by PyJWT.

Rule of this file: the algorithm is ours, never the token's; the token names a key of the tenant and nothing else about
keys (`jku`, `x5u`, `jwk` are not read); its size is bounded before anything is parsed; neither it nor its claims reach
a log or a message.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.utils import base64url_decode

from shared.domain.errors import Unauthenticated
from shared.domain.keys.entra_claims import INVALID_TOKEN, check_access_token
from shared.domain.keys.entra_rules import EntraRules
from shared.entra.key_document import ALGORITHM
from shared.entra.signing_keys import SigningKeys

MAX_CHARACTERS: Final = 16_384  # A token with 200 groups, as many as Entra ID puts into one, has some 11,500.
LEEWAY_SECONDS: Final = 60.0
_OPTIONS: Final[Any] = {"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True}


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str


_decode_header = msgspec.json.Decoder(_Header).decode


class EntraTokens:
    """`TokenVerifier`. A verification costs a third of a millisecond; who asks keeps what came of it."""

    def __init__(self, rules: EntraRules, keys: SigningKeys | None = None) -> None:
        self._rules = rules
        self._keys = keys or SigningKeys(rules)

    async def claims_of(self, token: str) -> Mapping[str, Any]:
        """Raises Unauthenticated or Unavailable; the message says what to do."""
        if len(token) > MAX_CHARACTERS:
            raise _refused(f"is longer than {MAX_CHARACTERS} characters. Ask for one with fewer groups in it")
        claims = self._verified(token, await self._key(token))
        check_access_token(claims)
        return claims

    async def check(self) -> None:
        """Raises Unavailable. Costs a call to the issuer once a minute at most."""
        await self._keys.find("")

    async def _key(self, token: str) -> RSAPublicKey:
        try:
            header = _decode_header(base64url_decode(token.partition(".")[0]))
        except (ValueError, binascii.Error, msgspec.DecodeError, RecursionError):
            raise _refused("cannot be read. Send the access token as it was issued") from None
        if header.alg != ALGORITHM:
            raise _refused(f"is not signed as Entra ID signs, by {ALGORITHM}. Send the access token as it was issued")
        key = await self._keys.find(header.kid)
        if key is None:
            raise _refused("is signed with no key of this service's tenant. Ask that tenant for one")
        return key

    def _verified(self, token: str, key: RSAPublicKey) -> Mapping[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._rules.audiences,
                issuer=self._rules.issuers,
                leeway=LEEWAY_SECONDS,
                options=_OPTIONS,
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise _refused(self._why(error)) from None

    def _why(self, error: Exception) -> str:
        match error:
            case jwt.ExpiredSignatureError():
                return "has expired. Ask for a new one; SDKs do when they are given a token provider"
            case jwt.ImmatureSignatureError():
                return "is not valid yet. Compare the clock of this service with that of the issuer"
            case jwt.InvalidAudienceError():
                return f"was made for another service. Ask for one with the scope {self._rules.scope}"
            case jwt.InvalidIssuerError():
                return "is of another tenant. Ask this service's tenant for one"
            case jwt.MissingRequiredClaimError():
                return f"has no claim '{error.claim}'. Send the access token as it was issued"
            case _:
                return "does not hold: its form or its signature is wrong. Send the access token as it was issued"


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"The token {why}.", code=INVALID_TOKEN)
