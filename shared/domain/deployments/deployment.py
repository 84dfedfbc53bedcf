"""Deployments: which upstreams answer for a model name, and how hard they may be driven."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import msgspec

from shared.domain.deployments.leaders import Leaders
from shared.domain.deployments.price import Price
from shared.domain.endpoints import ENDPOINTS
from shared.domain.usage.tokens import TokenMethod, method_of_model


class UpstreamKind(StrEnum):
    """How the upstream wants to be called."""

    OPENAI = "openai"
    AZURE = "azure"


class Role(StrEnum):
    """When a target is asked: `SPILL_OVER` where no primary one has room."""

    PRIMARY = "primary"
    SPILL_OVER = "spill_over"


class Deployment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, cache_hash=True):
    """One entry of `BATCH_DEPLOYMENTS`. `name` comes from the key; limits of None mean unlimited.

    `api_key` or `api_key_env` (the name of an environment variable) is the credential; neither, on kind `azure`,
    means managed identity (azure-identity); neither, on kind `openai`, means the upstream asks for none.
    With `targets`, the address is that of the first, and the limits are their sums.
    """

    name: str
    base_url: str
    kind: UpstreamKind = UpstreamKind.OPENAI
    api_key: str | None = None
    api_key_env: str | None = None
    model: str | None = None
    api_version: str | None = None
    endpoints: tuple[str, ...] = tuple(ENDPOINTS)
    max_concurrency: int = 64
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    enqueued_token_limit: int | None = None
    tokens: TokenMethod | None = None
    request_timeout_seconds: float = 600.0
    leaders_first: Leaders = True
    prompt_cache_key: bool = False
    price: Price | None = None
    targets: tuple[Target, ...] = ()

    @property
    def token_method(self) -> TokenMethod:
        """How its input tokens are counted: as `tokens` says; else the upstream's name of the model tells."""
        return self.tokens or method_of_model(self.model or self.name)

    @property
    def upstreams(self) -> tuple[Target, ...]:
        """Where its requests may go; without `targets`, its own address is the only one."""
        return self.targets or _alone(self)

    def __repr__(self) -> str:  # The credential never reaches a log.
        return f"Deployment({self.name!r}, {self.base_url!r}, {self.kind.value})"


class Target(Deployment, frozen=True, kw_only=True):
    """One of the upstreams of a deployment, whose `name` it has; its own is in `target`, empty if it is alone.

    Its `price` says which is asked first, and nothing of what a batch costs. `weight` is its part among equals.
    """

    target: str = ""
    role: Role = Role.PRIMARY
    weight: int = 1

    @property
    def full_name(self) -> str:
        """`m`, or `m/east` for one of several."""
        return f"{self.name}/{self.target}" if self.target else self.name

    @property
    def rank(self) -> tuple[bool, int]:
        """The lowest is asked first: a primary one, then the cheapest, by three input tokens for one of output."""
        rates = self.price.rates if self.price else None
        return self.role is Role.SPILL_OVER, 3 * rates.input + rates.output if rates else 0


@lru_cache(maxsize=64)
def _alone(deployment: Deployment) -> tuple[Target, ...]:
    return (Target(**{field: getattr(deployment, field) for field in Deployment.__struct_fields__}),)
