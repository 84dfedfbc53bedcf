"""The service's dependencies, built once per process and handed to handlers and activities.

`services()` builds the Azure ones from the environment on first use; the local host and tests install others with
`use`. Nothing else in the product constructs a store or a client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial

from shared.answer_room import AnswerRoom, ResultMemory
from shared.domain.batches.run_life import RunLives
from shared.domain.deployments.deployment import Deployment
from shared.domain.keys.known_callers import KnownCallers
from shared.domain.pace.budget import Budget
from shared.domain.pace.lane_room import LaneRoom
from shared.domain.usage.tokens import TokenCounter
from shared.environment import settings_from_environment
from shared.exact_tokens import counter_for
from shared.ports.stores import Stores
from shared.ports.tokens import TokenVerifier
from shared.ports.upstream import Upstream
from shared.ports.webhook_sender import WebhookSender
from shared.settings import Settings

READING_BYTES = 33_554_432  # Of journals, for all who read results of running batches.


def utc_now() -> datetime:
    return datetime.now(UTC)


def monotonic() -> float:
    """Looked up at each call: the fault suite gives `time` another clock."""
    return time.monotonic()


class Capacity:
    """What all work in this process shares: places of lanes, bytes they may hold, what was seen of runs."""

    def __init__(self, settings: Settings) -> None:
        self.room = LaneRoom(settings.lanes_per_process)
        self.results = ResultMemory(settings.kept_result_bytes)
        self.in_flight = Budget(settings.max_inflight_bytes)
        self.answers = AnswerRoom(settings.max_inflight_response_bytes)
        self.reading = Budget(READING_BYTES)
        self.runs = RunLives(timedelta(seconds=settings.stuck_seconds))
        self.new_webhooks = asyncio.Lock()


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything with a side effect."""

    settings: Settings
    stores: Stores
    upstream: Upstream
    webhook_sender: WebhookSender
    tokens: TokenVerifier | None = None  # Of Entra ID; None where no tenant is set.
    counter_for: Callable[[Deployment], TokenCounter] = field(default=counter_for)
    now: Callable[[], datetime] = field(default=utc_now)
    monotonic: Callable[[], float] = field(default=monotonic)  # Seconds, by which the cost of a write is measured.

    @cached_property
    def capacity(self) -> Capacity:
        return Capacity(self.settings)

    @cached_property
    def callers(self) -> KnownCallers:
        return KnownCallers()


_current: Services | None = None


def services() -> Services:
    """The process's services. Raises SettingsError if the configuration is wrong."""
    global _current
    if _current is None:
        _current = _azure_services()
    return _current


def install(replacement: Services) -> None:
    """Make `replacement` what `services()` answers, for the life of the process."""
    global _current
    _current = replacement


@contextmanager
def use(replacement: Services) -> Iterator[Services]:
    """`install` for the length of a with-block."""
    global _current
    previous, _current = _current, replacement
    try:
        yield replacement
    finally:
        _current = previous


def token_verifier(settings: Settings) -> TokenVerifier | None:
    """What `Services.tokens` is by these settings."""
    if settings.entra is None:
        return None
    from shared.entra.token_verifier import EntraTokens  # late: slow to import, and most installations take keys only

    return EntraTokens(settings.entra)


def _azure_services() -> Services:
    from shared.azure.connect import azure_stores
    from shared.azure.identity import service_credential
    from shared.upstream.client import UpstreamClient
    from shared.webhook_sender import HttpWebhookSender

    settings = settings_from_environment()
    return Services(
        settings=settings,
        stores=azure_stores(settings.storage),
        upstream=UpstreamClient(
            max_response_bytes=settings.max_response_bytes,
            credential=partial(service_credential, settings.storage),
        ),
        webhook_sender=HttpWebhookSender(
            timeout_seconds=settings.webhook_timeout_seconds, allow_private=settings.webhook_allow_private
        ),
        tokens=token_verifier(settings),
    )
