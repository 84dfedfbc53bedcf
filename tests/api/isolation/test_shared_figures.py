"""What projects share is a deployment's room. Its figures cross, and nothing else does: SECURITY.md says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from activities.reserve_quota import reserve_quota
from activities.validate_input import validate_input
from api.edge.dialect import parse_batch_id
from shared.domain.batches.quota import QuotaMode
from shared.domain.deployments.deployment import Deployment
from shared.services import Services, use
from tests.api.belongings import Belongings
from tests.api.harness import LINE
from tests.api.isolation.answers import tells_nothing
from tests.api.ways import BATCH, call

THEIR_TOKENS = 9  # Of the one batch that is in progress.
OWN_TOKENS = 9


@pytest.fixture
async def limited(services: Services) -> AsyncIterator[Services]:
    """The deployment takes the stranger's batch and little more; what does not fit waits."""
    m = Deployment(name="m", base_url="http://upstream", enqueued_token_limit=10)
    changed = _with(services, deployments={"m": m}, quota_mode=QuotaMode.WAIT)
    with use(changed):
        yield changed


def _with(service: Services, **settings: object) -> Services:
    return replace(service, settings=replace(service.settings, **settings))


async def own_file(api: httpx.AsyncClient) -> str:
    body = LINE.replace(b'{"model":"m"}', b'{"model":"m","messages":[{"role":"user","content":"hello"}]}')
    sent = await call(api, "v1", "POST", "files", data={"purpose": "batch"}, files={"file": ("mine.jsonl", body)})
    return str(sent.json()["id"])


async def test_validation_tells_how_full_a_deployment_is(
    api: httpx.AsyncClient, limited: Services, theirs: Belongings
) -> None:
    """The sum, whoever's tokens they are."""
    answer = await call(api, "v1", "POST", "batches/validate", json=BATCH | {"input_file_id": await own_file(api)})
    assert (answer.json()["valid"], answer.json()["enqueued_tokens"]) == (True, THEIR_TOKENS)
    assert tells_nothing(answer, theirs)


async def test_a_batch_that_waits_tells_behind_how_many(
    api: httpx.AsyncClient, limited: Services, theirs: Belongings, owner: str
) -> None:
    """Batches and tokens ahead of it, none by its name."""
    created = await call(api, "openai/v1", "POST", "batches", json=BATCH | {"input_file_id": await own_file(api)})
    batch_id = parse_batch_id(created.json()["id"])
    run = {"owner": owner, "batch_id": batch_id}
    assert (await validate_input(run))["outcome"] == "accepted"
    assert await reserve_quota(run) == {"outcome": "wait"}
    shown = await call(api, "openai/v1", "GET", f"batches/{batch_id}")
    assert f"1 batch before this one has {THEIR_TOKENS}" in shown.json()["progress"]["held_up"]["reason"]
    assert created.headers["deployment-enqueued-tokens"] == str(THEIR_TOKENS + OWN_TOKENS)
    assert tells_nothing(created, theirs)
    assert tells_nothing(shown, theirs)


async def test_over_the_limit_the_refusal_has_figures_only(
    api: httpx.AsyncClient, limited: Services, theirs: Belongings
) -> None:
    """Azure's sentence, with the sum."""
    file_id = await own_file(api)
    with use(_with(limited, quota_mode=QuotaMode.REFUSE_CREATE)):
        answer = await call(api, "openai/v1", "POST", "batches", json=BATCH | {"input_file_id": file_id})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "token_limit_exceeded")
    assert f"{THEIR_TOKENS} are enqueued" in answer.text
    assert tells_nothing(answer, theirs)
