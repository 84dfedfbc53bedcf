"""What the service depends on, asked side by side: does each of it answer, how fast, and if not, what to do.

Rule of this file: a check costs one or two small calls, changes nothing but its own probe, and ends in time; whatever
goes wrong is its finding, never an exception. No finding holds a credential or the value of a setting.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import NamedTuple

import msgspec

from shared.domain.deployments.credential import is_unresolved
from shared.domain.deployments.deployment import Target
from shared.domain.errors import Unavailable
from shared.domain.upstream.reachability import Finding, Verdict, judge, list_models
from shared.ports.tokens import TokenVerifier
from shared.run.health.storage_probe import BLOB, write_blob, write_row
from shared.services import Services

_NOTHING = "readiness"
log = logging.getLogger(__name__)

Ask = Callable[[], Awaitable[Finding]]


class Patience(NamedTuple):
    """How long a check may take: the whole report takes no longer than the slowest of them.

    Upstreams are given up before, so that a slow one is told in its own words.
    """

    check_seconds: float = 4.5
    upstream_seconds: float = 4.0


PATIENCE = Patience()


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One dependency. Without a `required` one nothing works; the others stop a part of the work."""

    name: str
    required: bool
    status: Verdict
    latency_ms: int
    message: str


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: failed if a required check failed, degraded if any check is not ok."""

    status: Verdict
    checks: list[Check]


async def check_all(
    service: Services,
    ask_durable: Callable[[], Awaitable[None]],
    env: Mapping[str, str],
    patience: Patience = PATIENCE,
) -> Readiness:
    """Everything at once, in about five seconds at most. `ask_durable` raises if the durable extension is down."""
    required: dict[str, Ask] = {
        "blobs": lambda: _ask_blobs(service),
        "tables": lambda: _ask_tables(service),
        "durable": lambda: _ask_durable(ask_durable),
        "vault_references": lambda: _ask_vault(env),
    }
    asked = [_timed(name, ask, patience, required=True) for name, ask in required.items()]
    deployments = service.settings.deployments.values()
    asked += [check_upstream(service, target, patience) for each in deployments for target in each.upstreams]
    if service.tokens is not None:
        asked.append(_timed("entra", partial(_ask_entra, service.tokens), patience, required=False))
    checks = await asyncio.gather(*asked)
    return Readiness(status=_overall(checks), checks=checks)


async def check_upstream(service: Services, target: Target, patience: Patience = PATIENCE) -> Check:
    """One upstream, as in `check_all`."""

    async def ask() -> Finding:
        return judge(target, await service.upstream.send(list_models(target, patience.upstream_seconds)))

    return await _timed(f"upstream:{target.full_name}", ask, patience, required=False)


def _overall(checks: list[Check]) -> Verdict:
    if any(check.required and check.status is Verdict.FAILED for check in checks):
        return Verdict.FAILED
    return Verdict.OK if all(check.status is Verdict.OK for check in checks) else Verdict.DEGRADED


async def _timed(name: str, ask: Ask, patience: Patience, *, required: bool) -> Check:
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(patience.check_seconds):
            finding = await ask()
    except TimeoutError:
        advice = "It may be overloaded, or the network drops what is sent to it."
        finding = Finding(Verdict.FAILED, f"There was no answer within {patience.check_seconds:g} seconds. {advice}")
    except Unavailable as error:
        finding = Finding(Verdict.FAILED, error.message)
    except Exception as error:  # A check that breaks has found something, and the others must be told, too.
        log.exception("A readiness check broke.", extra={"action": "readiness_check_broke", "check": name})
        finding = Finding(
            Verdict.FAILED, f"The check itself broke ({type(error).__name__}); the service's log has why."
        )
    milliseconds = round((time.perf_counter() - begun) * 1000)
    return Check(name=name, required=required, status=finding.verdict, latency_ms=milliseconds, message=finding.message)


async def _ask_blobs(service: Services) -> Finding:
    await write_blob(service)
    await service.stores.blobs.size(BLOB)
    return Finding(Verdict.OK, "Blob Storage answers and takes writes.")


async def _ask_tables(service: Services) -> Finding:
    await write_row(service)
    await service.stores.batches.get(_NOTHING, "0" * 32)
    return Finding(Verdict.OK, "Table Storage answers and takes writes.")


async def _ask_entra(tokens: TokenVerifier) -> Finding:
    try:
        await tokens.check()
    except Unavailable:
        return Finding(
            Verdict.FAILED,
            "Entra ID's keys cannot be had, so tokens are refused; API keys work. Check BATCH_ENTRA_TENANT, "
            "BATCH_ENTRA_AUTHORITY and the way there; the service's log has why.",
        )
    return Finding(Verdict.OK, "Entra ID answers.")


async def _ask_durable(ask: Callable[[], Awaitable[None]]) -> Finding:
    try:
        await ask()
    except TimeoutError:
        raise
    except Exception as error:  # The client raises bare Exceptions for statuses, aiohttp's for the rest.
        extra = {"action": "durable_check_failed", "reason": type(error).__name__}
        log.warning("The durable extension does not answer.", extra=extra)
        return Finding(
            Verdict.FAILED,
            "Durable Functions does not answer, so no batch moves on. Check that the app's identity has the "
            "Blob, Queue and Table roles on the account of AzureWebJobsStorage, then restart the app.",
        )
    return Finding(Verdict.OK, "Durable Functions answers.")


async def _ask_vault(environment: Mapping[str, str]) -> Finding:
    """The platform leaves a reference that it cannot resolve in the setting as it is."""
    names = sorted(name for name, value in environment.items() if is_unresolved(value))
    if not names:
        return Finding(Verdict.OK, "No setting is a Key Vault reference that was not resolved.")
    return Finding(
        Verdict.FAILED,
        f"Not resolved from the Key Vault: {', '.join(names)}. Check that the secret exists and is enabled, that the "
        "app's identity has the role Key Vault Secrets User on the vault and is the app's keyVaultReferenceIdentity, "
        "and that the vault's network lets the app in; then restart the app.",
    )
