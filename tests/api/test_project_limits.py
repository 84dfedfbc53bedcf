"""What a project may have at once, over REST (contract 10.2): files, bytes, lines of a file, batches, enqueued tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from shared.domain.deployments.deployment import Deployment
from shared.services import Services, use
from tests.api.administration import PROJECTS, error_of, new_project, post, read
from tests.api.harness import LINE

Upload = Callable[..., Awaitable[httpx.Response]]
Create = Callable[..., Awaitable[httpx.Response]]
DEFAULT = f"{PROJECTS}/proj_default"


def a_deployment(name: str, **settings: Any) -> Deployment:
    return Deployment(name=name, base_url="http://upstream.example", **settings)


NONE = {"files": None, "stored_bytes": None, "requests_per_file": None, "active_batches": None}


async def test_limits_are_set_and_shown(api: httpx.AsyncClient) -> None:
    """What is given replaces all of them; what is not named stays."""
    project = await new_project(api, limits={"files": 3})

    assert (await read(api, project))["limits"] == NONE | {"files": 3}
    assert (await post(api, project, name="Two"))["limits"] == NONE | {"files": 3}
    assert (await post(api, project, limits={"stored_bytes": 0, "files": None}))["limits"] == NONE | {"stored_bytes": 0}
    assert (await post(api, project, limits={}))["limits"] == NONE
    for wrong in ({"file": 1}, {"files": -1}, {"files": "3"}, {"files": 1.5}):
        response = await api.post(project, json={"limits": wrong})
        assert error_of(response)[0] == 400
        assert "file" in (error_of(response)[2] or "")


async def test_files_and_their_bytes(api: httpx.AsyncClient, upload: Upload) -> None:
    """With and without expiry together; beside the service's own limits, the stricter one holds."""
    await post(api, DEFAULT, limits={"files": 2})
    answers = [await upload(), await upload(), await upload()]
    assert [answer.status_code for answer in answers] == [200, 200, 400]
    assert answers[2].json()["error"]["message"] == "The quota for files of the project is reached. The maximum is 2."
    await post(api, DEFAULT, limits={"stored_bytes": 3 * len(LINE)})
    answers = [await upload(), await upload()]
    assert [answer.status_code for answer in answers] == [200, 400]
    announced = {"filename": "a", "purpose": "batch", "bytes": 1, "mime_type": "application/jsonl"}
    assert (await api.post("/v1/uploads", json=announced)).status_code == 400


async def test_active_batches(api: httpx.AsyncClient, create: Create, services: Services) -> None:
    """Those that have not ended, of this project: 429, and one that was cancelled makes room when it has ended."""
    await post(api, DEFAULT, limits={"active_batches": 2})
    answers = [await create() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert error_of(answers[2])[1] == "active_batches_exceeded"
    assert answers[2].headers["x-should-retry"] == "false"
    assert len(await services.stores.batches.list("default", limit=10)) == 2
    await post(api, DEFAULT, limits={"active_batches": 3})
    assert (await create()).status_code == 200


@pytest.mark.parametrize("given", ["rl-small", "small"])
async def test_enqueued_tokens_of_a_deployment(api: httpx.AsyncClient, services: Services, given: str) -> None:
    """OpenAI's rate limits: rates are the deployment's; the number of tokens is the project's own, or the deployment's."""
    small, large = a_deployment("small", enqueued_token_limit=100, requests_per_minute=60), a_deployment("large")
    settings = replace(services.settings, deployments={"small": small, "large": large})
    with use(replace(services, settings=settings)):
        before = (await read(api, f"{DEFAULT}/rate_limits"))["data"]
        made = await post(api, f"{DEFAULT}/rate_limits/{given}", batch_1_day_max_input_tokens=40)
        after = (await read(api, f"{DEFAULT}/rate_limits", limit=1, after="rl-large"))["data"]
        gone = await post(api, f"{DEFAULT}/rate_limits/{given}")
        refused = await api.post(f"{DEFAULT}/rate_limits/rl-small", json={"max_requests_per_1_minute": 1})
        unknown = await api.post(f"{DEFAULT}/rate_limits/rl-other", json={"batch_1_day_max_input_tokens": 1})

    assert [(each["id"], each["batch_1_day_max_input_tokens"]) for each in before] == [
        ("rl-large", None),
        ("rl-small", 100),
    ]
    assert after == [made]
    assert made == {
        "id": "rl-small",
        "object": "project.rate_limit",
        "model": "small",
        "max_requests_per_1_minute": 60,
        "max_tokens_per_1_minute": None,
        "batch_1_day_max_input_tokens": 40,
    }
    assert gone["batch_1_day_max_input_tokens"] == 100
    assert error_of(refused) == (400, "unsupported_parameter", "max_requests_per_1_minute")
    assert error_of(unknown)[0] == 404


async def test_an_archived_project_is_left_alone(api: httpx.AsyncClient, services: Services) -> None:
    """As with every other change."""
    project = await new_project(api)
    await post(api, f"{project}/archive")
    settings = replace(services.settings, deployments={"small": a_deployment("small")})
    body: dict[str, Any] = {"batch_1_day_max_input_tokens": 1}
    with use(replace(services, settings=settings)):
        response = await api.post(f"{project}/rate_limits/rl-small", json=body)

    assert error_of(response) == (409, "project_archived", None)
