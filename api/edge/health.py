"""`GET /healthz`: whether this instance is up and configured. Anonymous, so it tells nothing else."""

from __future__ import annotations

import logging

from azurefunctions.extensions.http.fastapi import Request, Response

from api.edge.endpoint import SERVICE_UNAVAILABLE, json_response
from shared.services import services

_log = logging.getLogger(__name__)


async def healthz(req: Request) -> Response:  # noqa: ARG001 - the worker binds it
    try:
        ready = bool(services().settings.bootstrap_key)
    except Exception:  # A broken configuration must be answered here, it is what the check is for.
        _log.exception("The service cannot be configured.", extra={"action": "health_check"})
        ready = False
    if not ready:
        return json_response({"status": "misconfigured"}, SERVICE_UNAVAILABLE)
    return json_response({"status": "ok"})
