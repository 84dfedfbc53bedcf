"""`GET /healthz`: whether this instance is up and configured. Anonymous, so it tells nothing else.

`GET /readyz`: whether everything the service depends on answers, for its operator; needs an administrator's key. 503
only if a required dependency is down: an upstream that is down stops neither uploads nor new batches, and the batches
under way wait.
"""

from __future__ import annotations

import logging
import os

import msgspec
from azurefunctions.extensions.http.fastapi import Request, Response

from api.edge.dialect import OK
from api.edge.endpoint import SERVICE_UNAVAILABLE, Call, DurableClient, json_response
from shared.domain.upstream.reachability import Verdict
from shared.run.health.checks import check_all
from shared.services import services

log = logging.getLogger(__name__)
_NO_INSTANCE = "readiness-"


async def healthz(req: Request) -> Response:  # noqa: ARG001 - the worker binds it
    try:
        ready = bool(services().settings.bootstrap_key)
    except Exception:  # A broken configuration must be answered here, it is what the check is for.
        log.exception("The service cannot be configured.", extra={"action": "health_check"})
        ready = False
    if not ready:
        return json_response({"status": "misconfigured"}, SERVICE_UNAVAILABLE)
    return json_response({"status": "ok"})


async def readyz(request: Request, call: Call, client: DurableClient) -> Response:  # noqa: ARG001 - as every handler
    async def ask_durable() -> None:
        # Not get_status: to that a 500 of the extension is an answer like any other (platform 3.7).
        await client.get_status_by(instance_id_prefix=_NO_INSTANCE)

    readiness = await check_all(call.service, ask_durable, os.environ)
    status = SERVICE_UNAVAILABLE if readiness.status is Verdict.FAILED else OK
    response = json_response(msgspec.to_builtins(readiness), status)
    response.headers["cache-control"] = "no-store"
    return response
