"""The keys of a tenant, kept: one fetch at a time, shared by whoever waits, and never as often as somebody asks.

Rule of this file: who presents a key that is known never waits, and keys once had serve until others come, so an
issuer that is down shuts out nobody whose key is known. Used on one event loop.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from shared.domain.errors import Unavailable
from shared.domain.keys.entra_rules import EntraRules
from shared.entra.key_document import NoKeys, fetch_keys

log = logging.getLogger(__name__)

Fetch = Callable[[EntraRules], Awaitable[Mapping[str, RSAPublicKey]]]


class SigningKeys:
    """`pause_seconds`: between two fetches at least; `first_pause_seconds`: while there is no key at all.

    `renew_seconds`: the age from which keys are fetched anew, beside the call that noticed.
    """

    def __init__(
        self,
        rules: EntraRules,
        *,
        fetch: Fetch = fetch_keys,
        now: Callable[[], float] = time.monotonic,
        pause_seconds: float = 60.0,
        first_pause_seconds: float = 5.0,
        renew_seconds: float = 21_600.0,
    ) -> None:
        self._rules = rules
        self._fetch = fetch
        self._now = now
        self._pause_seconds = pause_seconds
        self._first_pause_seconds = first_pause_seconds
        self._renew_seconds = renew_seconds
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._asked_at = self._got_at = -math.inf
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> RSAPublicKey | None:
        """None if the tenant has no such key. Raises Unavailable if that cannot be told."""
        if self._fetching is None and self._is_due(key_id):
            self._asked_at = self._now()
            self._fetching = asyncio.create_task(self._renew())
        if key_id not in self._keys and self._fetching is not None:
            await asyncio.shield(self._fetching)  # The others who wait must not lose it because one was cancelled.
        key = self._keys.get(key_id)
        if key is None and self._failed:
            raise Unavailable("Entra ID's keys, by which your token is checked, cannot be had now. Try again soon.")
        return key

    def _is_due(self, key_id: str) -> bool:
        waited = self._now() - self._asked_at
        if not self._keys:
            return waited >= self._first_pause_seconds
        is_wanted = key_id not in self._keys or self._now() - self._got_at >= self._renew_seconds
        return is_wanted and waited >= self._pause_seconds

    async def _renew(self) -> None:
        try:
            self._keys = await self._fetch(self._rules)
            self._got_at = self._now()
            self._failed = False
        except NoKeys as error:
            self._failed = True
            extra = {"action": "entra_keys_failed", "reason": str(error)}
            log.warning("The keys of the Entra tenant could not be fetched.", extra=extra)
        finally:
            self._fetching = None
