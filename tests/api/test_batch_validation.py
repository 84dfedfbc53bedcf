"""`POST batches/validate`: the verdict, size, cost and end of a batch, without one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.batches.batch_validation import scan_in_time
from api.edge.endpoint import status_of
from shared.domain.batches.batch import Batch, Status
from shared.domain.deployments.deployment import Deployment
from shared.domain.deployments.price_setting import read_price
from shared.domain.errors import InvalidRequest
from shared.domain.usage.usage import Usage
from shared.domain.validation.input_scan import Accepted
from shared.services import Services, use
from tests.api.harness import Clock
from tests.contracts.samples import a_batch

Send = Callable[..., Awaitable[httpx.Response]]
MOUNTS = ["/v1/batches", "/v1/openai/batches", "/openai/v1/batches", "/openai/batches?api-version=2024-10-21"]
UNKNOWN = dict.fromkeys(
    [
        *("model", "requests", "input_tokens", "token_method", "estimated_cost", "estimated_completion_at"),
        *("fits_completion_window", "enqueued_tokens", "enqueued_token_limit", "fits_enqueued_token_limit"),
    ]
)


def line(number: int, **changes: Any) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": "a" * 360}]}
    request = {"custom_id": f"c{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(request | changes).encode() + b"\n"


@pytest.fixture
async def deployed(services: Services) -> AsyncIterator[Services]:
    """The deployment `m`: a token of input costs 2, of output 10 millionths; 60 requests a minute."""
    price, _ = read_price({"input": 2.0, "output": 10.0})
    deployment = Deployment(
        name="m", base_url="http://upstream", price=price, requests_per_minute=60, enqueued_token_limit=300
    )
    with use(replace(services, settings=replace(services.settings, deployments={"m": deployment}))) as changed:
        yield changed


@pytest.fixture
def validate(upload: Send, create: Send) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Upload `content` and ask about it."""

    async def ask(content: bytes, path: str = "/v1/batches", **changes: Any) -> dict[str, Any]:
        file_id = (await upload(content)).json()["id"]
        answer = await create(path.replace("batches", "batches/validate"), input_file_id=file_id, **changes)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


Ask = Callable[..., Awaitable[dict[str, Any]]]


async def test_a_good_file(validate: Ask, deployed: Services, clock: Clock) -> None:
    """Every number that its lines, the price and the limits give."""
    answer = await validate(line(1) + line(2))
    assert answer.pop("input_file_id").startswith("file-")
    assert answer == {
        "object": "batch.validation",
        "valid": True,
        "errors": None,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "model": "m",
        "requests": 2,
        "input_tokens": 194,
        "token_method": "estimate",
        "estimated_cost": {"currency": "USD", "input": 0.000388, "output": None, "total": None},
        "estimated_completion_at": int(clock.now.timestamp()) + 2,
        "fits_completion_window": True,
        "enqueued_tokens": 0,
        "enqueued_token_limit": 300,
        "fits_enqueued_token_limit": True,
    }


async def test_it_leaves_nothing(validate: Ask, deployed: Services) -> None:
    """No batch, and the file as it was."""
    await validate(line(1))
    assert await deployed.stores.batches.list("default", limit=10) == []
    assert len(await deployed.stores.files.list("default", limit=10)) == 1


async def test_every_problem_is_named(validate: Ask, deployed: Services) -> None:
    """As the failed batch would name them (contract 3.3); what is unknown of a bad file is null."""
    answer = await validate(line(1) + b"broken\n" + line(1) + line(2, url="/v1/embeddings"))
    assert [(error["line"], error["code"]) for error in answer["errors"]["data"]] == [
        (2, "invalid_json_line"),
        (3, "duplicate_custom_id"),
        (4, "invalid_url"),
    ]
    assert answer["valid"] is False
    assert UNKNOWN.items() <= answer.items()


async def test_a_problem_says_what_to_do(validate: Ask, deployed: Services) -> None:
    """Which models there are, what to leave out, where a line breaks off."""
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    lines = [line(1, body=body | {"model": "gpt"}), line(2, body=body | {"model": "m", "background": True}), b"[1,\n"]
    answer = await validate(b"".join(lines))
    assert [(error["param"], error["message"]) for error in answer["errors"]["data"]] == [
        (
            "body.model",
            "The provided model 'gpt' is not supported by the Batch API. Models for /v1/chat/completions: 'm'.",
        ),
        ("body.background", "Chat Completions: Background mode is not supported in the Batch API. Leave it out."),
        (None, "This line is not parseable as valid JSON. It begins with '[1,'."),
    ]


async def test_the_codes_are_those_of_the_dialect(validate: Ask, deployed: Services) -> None:
    """Contract 3.4."""
    answer = await validate(line(1, url="/v1/embeddings"), "/openai/v1/batches")
    assert [error["code"] for error in answer["errors"]["data"]] == ["url_mismatch"]


@pytest.mark.parametrize("path", MOUNTS)
async def test_every_dialect_has_it(validate: Ask, deployed: Services, path: str) -> None:
    """An extension of all."""
    assert (await validate(line(1), path))["valid"] is True


async def test_an_unknown_file_is_a_problem_of_the_batch(create: Send, deployed: Services) -> None:
    """As after a create call (contract 3.3)."""
    answer = (await create("/v1/batches/validate")).json()
    assert (answer["valid"], answer["errors"]["data"][0]["param"]) == (False, "file_id")


@pytest.mark.parametrize("changes", [{"endpoint": "/v1/nonsense"}, {"completion_window": "1h"}, {"endpoint": ...}])
async def test_a_body_that_creates_no_batch_is_refused(create: Send, changes: dict[str, Any]) -> None:
    """The same 400 as from a create call (contract 1.3)."""
    refused, told = await create(**changes), await create("/v1/batches/validate", **changes)
    assert (told.status_code, told.json()) == (400, refused.json())


def other(clock: Clock, **changes: Any) -> Batch:
    values = {"owner": "default", "deployment": "m", "created_at": clock.now, "in_progress_at": clock.now}
    return a_batch(1, **values | changes)


async def test_rates_of_ended_batches_tell_output_cost_and_end(validate: Ask, deployed: Services, clock: Clock) -> None:
    """A tenth of a request per second is slower than the limit; 50 output tokens for each request."""
    ran = {"status": Status.COMPLETED, "total": 10, "completed": 10, "usage": Usage(output_tokens=500)}
    await deployed.stores.batches.insert(other(clock, finalizing_at=clock.now + timedelta(seconds=100), **ran))
    answer = await validate(line(1) + line(2))
    assert answer["estimated_cost"] == {
        "currency": "USD",
        "input": 0.000388,
        "output": 0.001,
        "total": 0.001388,
    }
    assert answer["estimated_completion_at"] == int(clock.now.timestamp()) + 20


async def test_batches_under_way_count(validate: Ask, deployed: Services, clock: Clock) -> None:
    """For the end and for the quota."""
    await deployed.stores.batches.insert(other(clock, status=Status.IN_PROGRESS, total=500, input_tokens=250))
    answer = await validate(line(1))
    assert answer["estimated_completion_at"] == int(clock.now.timestamp()) + 2
    assert (answer["enqueued_tokens"], answer["fits_enqueued_token_limit"]) == (250, False)


@pytest.mark.parametrize(("path", "fits"), [("/v1/batches", False), ("/openai/v1/batches", True)])
async def test_an_end_past_the_window(validate: Ask, deployed: Services, clock: Clock, path: str, fits: bool) -> None:
    """Azure's batches have no deadline (contract 2.6)."""
    slow = {"status": Status.COMPLETED, "total": 1, "completed": 1}
    await deployed.stores.batches.insert(other(clock, finalizing_at=clock.now + timedelta(hours=20), **slow))
    assert (await validate(line(1) + line(2), path))["fits_completion_window"] is fits


async def test_without_price_and_limits_nothing_is_made_up(validate: Ask, services: Services) -> None:
    """Null means unknown."""
    plain = {"m": Deployment(name="m", base_url="http://upstream")}
    with use(replace(services, settings=replace(services.settings, deployments=plain))):
        answer = await validate(line(1))
    assert (answer["estimated_cost"], answer["estimated_completion_at"], answer["fits_completion_window"]) == (
        None,
        None,
        None,
    )
    assert (answer["enqueued_token_limit"], answer["fits_enqueued_token_limit"]) == (None, True)


async def test_a_pass_that_takes_too_long_is_ended(upload: Send, deployed: Services) -> None:
    """Bounded time; 400, which no SDK repeats."""
    await upload(line(1))
    (file,) = await deployed.stores.files.list("default", limit=2)
    batch = a_batch(owner="default", input_file_id=file.id, input_blob=file.blob)

    async def is_waiting() -> bool:
        return True

    assert isinstance(await scan_in_time(deployed, batch, is_waiting), Accepted)
    with pytest.raises(InvalidRequest, match="longer than 0 seconds") as caught:
        await scan_in_time(deployed, batch, is_waiting, most_seconds=0.0)
    assert (status_of(caught.type), caught.value.code) == (400, "validation_timeout")
