"""Receivers of webhooks that answer as they are told."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.domain.webhooks.delivery import Answered, NoAnswer, WebhookRequest


@dataclass
class FakeReceivers:
    """A `WebhookSender` without a network: remembers requests, answers from `answers` and then 200."""

    requests: list[WebhookRequest] = field(default_factory=list)
    answers: list[Answered | NoAnswer] = field(default_factory=list)

    async def send(self, request: WebhookRequest) -> Answered | NoAnswer:
        self.requests.append(request)
        return self.answers.pop(0) if self.answers else Answered(200)
