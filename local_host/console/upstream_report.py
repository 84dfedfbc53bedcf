"""What a person is told of the upstreams after the start: for each, what `GET /readyz` would say.

It runs beside the service and never stops it. Upstreams that are called alike are asked once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.domain.deployments.deployment import Deployment
from shared.domain.upstream.reachability import Verdict, list_models
from shared.run.health.checks import Check, check_upstream
from shared.services import Services


async def report_upstreams(service: Services, say: Callable[[str], None]) -> None:
    """Ask all at once and `say` a line for each as it answers, in some seconds at most."""
    alike: dict[object, list[Deployment]] = {}
    for deployment in service.settings.deployments.values():
        call = list_models(deployment, 0)
        alike.setdefault((call.url, tuple(call.headers.items()), call.identity), []).append(deployment)

    async def ask(deployments: list[Deployment]) -> None:
        say(_line([each.name for each in deployments], await check_upstream(service, deployments[0])))

    await asyncio.gather(*map(ask, alike.values()))


def _line(names: list[str], check: Check) -> str:
    verdict = "ok" if check.status is Verdict.OK else check.status.upper()
    return f"Upstream of {', '.join(names)}: {verdict} after {check.latency_ms} ms. {check.message}"
