"""Azure's quota at creation (contract 1.2, 3.4, 9.1 no. 18)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import httpx
import msgspec
import openai
import pytest

from shared.domain.batches.batch import Batch, Validated
from shared.domain.batches.quota import QuotaMode
from shared.domain.deployments.deployment import Deployment
from shared.domain.keys.project import ModelMode, ModelPermissions, default_project
from shared.run.batches.change import change
from shared.services import Services, use
from tests.api.harness import KEY

Send = Callable[..., Awaitable[httpx.Response]]
PREVIEW, GA = "?api-version=2025-04-01-preview", "?api-version=2024-10-21"
CREATE = [f"/openai/batches{PREVIEW}", f"/openai/batches{GA}", "/openai/v1/batches"]
ENQUEUED, MAXIMUM = "deployment-enqueued-tokens", "deployment-maximum-enqueued-tokens"
LINE_TOKENS = 4 + 3 + 50  # the message, the answer, the text


def lines(count: int, model: str = "small", text: str = "x" * 200) -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return b"".join(
        json.dumps({"custom_id": str(n), "method": "POST", "url": "/chat/completions", "body": body}).encode() + b"\n"
        for n in range(count)
    )


@pytest.fixture
async def limited(services: Services) -> AsyncIterator[Services]:
    """Deployment `small` takes the tokens of ten lines, `free` any number."""
    small = Deployment(name="small", base_url="http://upstream", enqueued_token_limit=10 * LINE_TOKENS)
    free = Deployment(name="free", base_url="http://upstream")
    settings = replace(services.settings, deployments={"small": small, "free": free}, max_file_bytes=10_000_000)
    with use(replace(services, settings=settings)) as installed:
        yield installed


@pytest.fixture
def submit(limited: Services, upload: Send, create: Send) -> Send:
    """Upload so many lines and create a batch of them."""

    async def send(count: int, path: str = CREATE[0], model: str = "small") -> httpx.Response:
        file_id = (await upload(lines(count, model))).json()["id"]
        return await create(path=path, input_file_id=file_id)

    return send


HINDI = "आप कैसे हैं? " * 10  # 41 tokens, estimated as 78
DIGITS = "8675309, 42. " * 20  # 160 tokens, estimated as 65
AS_EXACT = 10 * (7 + 41), 10 * (7 + 160)


@pytest.mark.parametrize(
    ("text", "limit", "status"),
    [
        (HINDI, AS_EXACT[0], 201),
        (HINDI, AS_EXACT[0] - 1, 400),
        (DIGITS, AS_EXACT[1], 201),
        (DIGITS, AS_EXACT[1] - 1, 400),
    ],
)
async def test_near_the_limit_tokens_are_counted_exactly(
    services: Services, upload: Send, create: Send, text: str, limit: int, status: int
) -> None:
    """What an estimate would refuse, or let in, is decided by the model's vocabulary."""
    chat = Deployment(name="gpt-4o", base_url="http://upstream", enqueued_token_limit=limit)
    with use(replace(services, settings=replace(services.settings, deployments={"gpt-4o": chat}))):
        file_id = (await upload(lines(10, "gpt-4o", text))).json()["id"]
        response = await create(path=CREATE[0], input_file_id=file_id)

    assert response.status_code == status
    assert status == 400 or response.headers[ENQUEUED] == str(limit)


async def batches(services: Services) -> list[Batch]:
    return await services.stores.batches.list("default", limit=100)


@pytest.mark.parametrize("path", CREATE)
async def test_a_batch_over_the_limit_is_refused_at_once(submit: Send, limited: Services, path: str) -> None:
    """400 with the literal in code and text; nothing is created."""
    response = await submit(11, path)
    error = response.json()["error"]

    assert (response.status_code, error["code"]) == (400, "token_limit_exceeded")
    assert "token_limit_exceeded" in error["message"]
    assert "570 enqueued tokens for the deployment 'small': 0 are enqueued and this batch has 627." in error["message"]
    assert await batches(limited) == []


async def test_the_limit_itself_is_allowed(submit: Send) -> None:
    """Ten of ten."""
    assert (await submit(10)).status_code == 201


async def test_batches_being_validated_count(submit: Send, limited: Services) -> None:
    """The next call sees them at once; what validation counted takes the place of the estimate."""
    statuses = [(await submit(6)).status_code, (await submit(5)).status_code, (await submit(4)).status_code]
    (last, _first) = await batches(limited)
    await change(limited, last, Validated(deployment="small", total=1, chunks=1, input_tokens=1))

    assert statuses == [201, 400, 201]
    assert (await submit(3)).status_code == 201


async def test_openai_fails_the_batch_instead(submit: Send) -> None:
    """There the call is accepted, whatever the setting (contract 9.1 no. 18)."""
    response = await submit(11, "/v1/batches")

    assert (response.status_code, response.json()["status"]) == (200, "validating")
    assert ENQUEUED not in response.headers


async def test_older_regions_fail_the_batch_too(submit: Send, limited: Services) -> None:
    """A setting (contract 3.4)."""
    settings = replace(limited.settings, quota_mode=QuotaMode.FAIL_BATCH)
    with use(replace(limited, settings=settings)):
        response = await submit(11)

    assert (response.status_code, response.headers[ENQUEUED]) == (201, str(11 * LINE_TOKENS))


@pytest.mark.parametrize(("path", "shown"), [(CREATE[0], True), (CREATE[1], False), (CREATE[2], True)])
async def test_the_token_headers(submit: Send, path: str, shown: bool) -> None:
    """On 201, from 2025-04-01-preview on (contract 1.2)."""
    await submit(2, path)
    headers = (await submit(3, path)).headers

    assert (headers.get(ENQUEUED), headers.get(MAXIMUM)) == (("285", "570") if shown else (None, None))


async def test_a_deployment_without_a_limit(submit: Send) -> None:
    """What is enqueued is known, a maximum there is not."""
    response = await submit(50, model="free")

    assert (response.status_code, response.headers[ENQUEUED]) == (201, str(50 * LINE_TOKENS))
    assert MAXIMUM not in response.headers


@pytest.mark.parametrize("content", [b'{"custom_id":"a"}\n', lines(1, "nobody")])
async def test_a_file_that_tells_nothing(upload: Send, create: Send, limited: Services, content: bytes) -> None:
    """Validation will say what is wrong with it."""
    response = await create(path=CREATE[0], input_file_id=(await upload(content)).json()["id"])

    assert response.status_code == 201
    assert ENQUEUED not in response.headers


async def test_a_deployment_that_the_project_may_not_use(submit: Send, limited: Services) -> None:
    """How much others have enqueued there is not told; the batch fails in validation."""
    nothing = ModelPermissions(mode=ModelMode.ALLOW_LIST, model_ids=("free",))
    project = msgspec.structs.replace(default_project(limited.now()), model_permissions=nothing)
    await limited.stores.projects.insert(project)

    for count in (1, 11):
        response = await submit(count)
        assert (response.status_code, {ENQUEUED, MAXIMUM} & set(response.headers)) == (201, set())


async def test_an_input_file_nobody_uploaded(create: Send, limited: Services) -> None:
    """Still no error of the call (contract 1.5.5)."""
    assert (await create(path=CREATE[0], input_file_id="file-nope")).status_code == 201


async def test_microsofts_sample_sees_the_literal(api: httpx.AsyncClient, limited: Services, upload: Send) -> None:
    """It catches `BadRequestError` and looks for the code in the text (contract 3.4, 6.6)."""
    file_id = (await upload(lines(11))).json()["id"]
    requests = httpx.AsyncClient(transport=api._transport, base_url="http://service")
    async with openai.AsyncAzureOpenAI(
        azure_endpoint="http://service", api_key=KEY, api_version="2024-10-21", http_client=requests
    ) as client:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.batches.create(input_file_id=file_id, endpoint="/chat/completions", completion_window="24h")

    assert "token_limit_exceeded" in str(caught.value)
    assert caught.value.code == "token_limit_exceeded"
