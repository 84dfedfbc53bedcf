"""What a person is told of the upstreams after the start: for each, what `GET /readyz` would say.

It runs beside the service and never stops it. Upstreams that are called alike are asked once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.domain.deployments.deployment import Target
from shared.domain.upstream.reachability import Verdict, list_models
from shared.run.health.checks import Check, check_upstream
from shared.services import Services


async def report_upstreams(service: Services, say: Callable[[str], None]) -> None:
    """Ask all at once and `say` a line for each as it answers, in some seconds at most."""
    alike: dict[object, list[Target]] = {}
    for target in (target for each in service.settings.deployments.values() for target in each.upstreams):
        call = list_models(target, 0)
        alike.setdefault((call.url, tuple(call.headers.items()), call.identity), []).append(target)

    async def ask(targets: list[Target]) -> None:
        say(_line([each.full_name for each in targets], await check_upstream(service, targets[0])))

    await asyncio.gather(*map(ask, alike.values()))


def _line(names: list[str], check: Check) -> str:
    verdict = "ok" if check.status is Verdict.OK else check.status.upper()
    return f"Upstream of {', '.join(names)}: {verdict} after {check.latency_ms} ms. {check.message}"
