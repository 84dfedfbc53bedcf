"""Whom the service signs in as: the managed identity that the storage settings name, else the environment's.

Rule of this file: a token that cannot be had is `Unavailable`, in time, in words that point at the identity. The token
itself is kept and renewed by the SDK: five minutes before its end.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

from shared.domain.errors import Unavailable

FETCH_SECONDS = 30.0  # The SDK alone would wait five minutes for an endpoint that hangs.
# Those of the SDK go up to two minutes; whoever waits for storage has its own.
_RETRIES: dict[str, Any] = {"retry_total": 2, "retry_status": 2, "retry_connect": 2, "retry_read": 1}


def service_credential(prefix: str | None) -> AsyncTokenCredential:
    """The identity of `<prefix>__clientId`; with `<prefix>__credential=managedidentity` alone, the app's own.

    Neither: whatever the environment offers, a developer's sign-in included.
    """
    client_id = os.environ.get(f"{prefix}__clientId") if prefix else None
    credential = os.environ.get(f"{prefix}__credential", "") if prefix else ""
    if client_id or credential.lower() == "managedidentity":
        return ManagedIdentityCredential(client_id=client_id or None, **_RETRIES)
    return DefaultAzureCredential()


class StorageIdentity:
    """A credential of the SDK's clients. The one behind it is made on first use and lives as long as the process."""

    def __init__(self, make: Callable[[], AsyncTokenCredential], fetch_seconds: float = FETCH_SECONDS) -> None:
        self._make = make
        self._fetch_seconds = fetch_seconds
        self._credential: AsyncTokenCredential | None = None

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Raises Unavailable: no AzureError, which the clients would take for storage's own and repeat."""
        if self._credential is None:
            self._credential = self._make()
        try:
            async with asyncio.timeout(self._fetch_seconds):
                return await self._credential.get_token(*scopes, **options)
        except (AzureError, TimeoutError) as error:
            raise Unavailable(
                "The service gets no token of its managed identity for storage. If this lasts longer than a minute, "
                "its operator should check that the app has the identity that its storage settings name (…__clientId)."
            ) from error

    async def close(self) -> None:
        if self._credential is not None:
            await self._credential.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
