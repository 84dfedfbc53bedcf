"""The receivers of webhooks."""

from __future__ import annotations

from typing import Protocol

from shared.domain.webhooks.delivery import Answered, NoAnswer, WebhookRequest


class WebhookSender(Protocol):
    """The one seam through which receivers of webhooks are reached."""

    async def send(self, request: WebhookRequest) -> Answered | NoAnswer:
        """POST once, without redirects, to allowed addresses only. Never raises for what network or receiver do."""
        ...
