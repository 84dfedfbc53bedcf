"""The models routes: the deployments that the caller may use, in OpenAI's shape (contract 1.7).

Rule of this file: what a caller may not use is answered as what is not there, in the same words.
"""

from __future__ import annotations

import asyncio

from azurefunctions.extensions.http.fastapi import Request, Response

from api.edge.endpoint import Call, json_response
from api.edge.unknown_path import with_slashes
from api.models.rendering import Fare, render_model, render_models
from shared.domain.deployments.deployment import Deployment
from shared.domain.errors import NotFound
from shared.domain.keys.caller import Caller
from shared.domain.pace.deployment_health import deployment_health
from shared.domain.pace.target_state import target_states
from shared.domain.parameters import shortened

MODEL_NOT_FOUND = "model_not_found"


async def list_models(request: Request, call: Call) -> Response:  # noqa: ARG001 - a handler's parameters
    found = models_of(call)
    fares = await asyncio.gather(*(_fare(call, deployment) for deployment in found))
    return json_response(render_models(call.dialect, zip(found, fares, strict=True)))


async def retrieve_model(request: Request, call: Call) -> Response:
    given = with_slashes(request.path_params["model"])
    deployment = next((each for each in models_of(call) if each.name == given), None)
    if deployment is None:
        raise NotFound(  # The first sentence is OpenAI's (contract 1.3).
            f"The model `{shortened(given)}` does not exist or you do not have access to it. "
            f"List those that your key may use: GET /{call.dialect.prefix}/models.",
            code=MODEL_NOT_FOUND,
            param="model",
        )
    return json_response(render_model(call.dialect, deployment, await _fare(call, deployment)))


def models_of(call: Call) -> list[Deployment]:
    """By name."""
    deployments = call.service.settings.deployments
    return [deployments[name] for name in sorted(deployments) if _may_use(call.caller, name)]


def _may_use(caller: Caller, model: str) -> bool:
    """An administrator sees all, for it says who may use them."""
    return caller.project is None or caller.access.allows(model)


async def _fare(call: Call, deployment: Deployment) -> Fare:
    beats = await call.service.stores.heartbeats.list(deployment.name)
    now, stale = call.service.now(), call.service.settings.stale_seconds
    return Fare(deployment_health(beats, now, stale), target_states(beats, now, stale))
