"""The managed identity's token for Azure upstreams that are given no key (azure-identity).

Rule of this file: one token at a time is fetched, whoever waits for it shares it, and it is used until shortly before
its end. Used on one event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential

SCOPE = "https://cognitiveservices.azure.com/.default"
_RENEW_BEFORE_SECONDS = 300.0
_FETCH_SECONDS = 30.0


class NoToken(Exception):
    """No token could be had; the message says why, without naming a secret."""


def default_credential() -> AsyncTokenCredential:
    from azure.identity.aio import DefaultAzureCredential  # late: slow to import, and most upstreams have a key

    return DefaultAzureCredential()


class Identity:
    """The current token of one credential, which is made on first use."""

    def __init__(self, credential: Callable[[], AsyncTokenCredential], now: Callable[[], float] = time.time) -> None:
        self._make_credential = credential
        self._now = now
        self._credential: AsyncTokenCredential | None = None
        self._token: AccessToken | None = None
        self._fetching: asyncio.Task[AccessToken] | None = None

    async def token(self) -> str:
        """A bearer token good for some minutes. Raises NoToken."""
        if self._token is None or self._token.expires_on - self._now() < _RENEW_BEFORE_SECONDS:
            if self._fetching is None or self._fetching.done():
                self._fetching = asyncio.create_task(self._fetch())
            # Shielded: the others who wait must not lose the token because one of them was cancelled.
            self._token = await asyncio.shield(self._fetching)
        return self._token.token

    async def _fetch(self) -> AccessToken:
        try:
            if self._credential is None:
                self._credential = self._make_credential()
            async with asyncio.timeout(_FETCH_SECONDS):
                return await self._credential.get_token(SCOPE)
        except TimeoutError as error:
            raise NoToken(f"the identity endpoint did not answer within {_FETCH_SECONDS:g} seconds") from error
        except Exception as error:  # whatever a credential of the chain raises, the line must hear of it
            raise NoToken(type(error).__name__) from error

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        if self._credential is not None:
            await self._credential.close()
