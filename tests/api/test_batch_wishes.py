"""Pausing, resuming and changing a batch, through every dialect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from shared.domain.batches.batch import Finished, RequestsDone, Validated
from shared.domain.usage.usage import Usage
from shared.services import Services
from tests.api.harness import Clock
from tests.api.test_batches_routes import advance, stored
from tests.api.ways import PREFIXES, call

Send = Callable[..., Awaitable[httpx.Response]]
VALIDATED = Validated(deployment="m", total=10, chunks=2, input_tokens=100)
PAUSED = "The batch is paused by its caller. It goes on when it is resumed; its completion window goes on meanwhile."
ENDED = Finished(completed=10, failed=0, usage=Usage(), model="m", output_file_id=None, error_file_id=None)


@pytest.fixture
async def batch_id(services: Services, create: Send, upload: Send) -> str:
    """Of a batch in progress."""
    made = (await create(input_file_id=(await upload()).json()["id"])).json()
    await advance(services, VALIDATED)
    return str(made["id"])


async def test_a_paused_batch_says_so(api: httpx.AsyncClient, batch_id: str, clock: Clock) -> None:
    """In a state that SDKs know, with the reason; twice is as once. The list says it, too."""
    clock.advance(seconds=5)
    first = (await api.post(f"/v1/batches/{batch_id}/pause")).json()
    clock.advance(seconds=5)
    again = (await api.post(f"/v1/batches/{batch_id}/pause")).json()
    (listed,) = (await api.get("/v1/batches")).json()["data"]

    assert first == again == (await api.get(f"/v1/batches/{batch_id}")).json()
    assert (first["status"], first["paused_at"]) == ("in_progress", int(clock.now.timestamp()) - 5)
    assert first["progress"]["held_up"] == {"until": None, "reason": PAUSED}
    assert (listed["paused_at"], listed["progress"]["reason"]) == (first["paused_at"], "The batch is paused.")


async def test_a_resumed_batch_says_nothing_of_it(api: httpx.AsyncClient, batch_id: str) -> None:
    """It looks as it did before."""
    before = (await api.get(f"/v1/batches/{batch_id}")).json()
    await api.post(f"/v1/batches/{batch_id}/pause")
    resumed = [(await api.post(f"/v1/batches/{batch_id}/resume")).json() for _ in range(2)]

    assert resumed == [before, before]


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_under_every_prefix(api: httpx.AsyncClient, services: Services, batch_id: str, prefix: str) -> None:
    """The record changes; what the answer has of it is the dialect's."""
    path = f"batches/{(await stored(services)).id}"
    for way, expected in (("pause", True), ("resume", False)):
        answer = await call(api, prefix, "POST", f"{path}/{way}")
        assert (answer.status_code, answer.json()["status"]) == (200, "in_progress")
        assert (await stored(services)).is_paused is expected
    answer = await call(api, prefix, "POST", path, json={"priority": "high"})

    assert answer.status_code == 200
    assert (await stored(services)).priority == "high"


async def test_other_terms(api: httpx.AsyncClient, batch_id: str) -> None:
    """The window counts from creation on."""
    before = (await api.get(f"/v1/batches/{batch_id}")).json()
    path = f"/v1/batches/{batch_id}"
    urgent = (await api.post(path, json={"priority": "high"})).json()
    usual = (await api.post(path, json={"priority": "normal", "completion_window": "24h"})).json()

    assert urgent == before | {"priority": "high"}
    assert usual == before


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_required_parameter", "priority"),
        ({"priority": "urgent"}, "invalid_value", "priority"),
        ({"completion_window": "5m"}, "invalid_value", "completion_window"),
    ],
)
async def test_a_mistake_changes_nothing(
    api: httpx.AsyncClient, services: Services, batch_id: str, body: dict[str, Any], code: str, param: str
) -> None:
    """400, naming the field."""
    before = await stored(services)
    answer = await api.post(f"/v1/batches/{batch_id}", json=body)

    assert (answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["param"]) == (400, code, param)
    assert await stored(services) == before


@pytest.mark.parametrize(
    ("way", "verb", "body"),
    [("/pause", "pause", None), ("/resume", "resume", None), ("", "change", {"priority": "low"})],
)
async def test_an_ended_batch_is_past_all_wishes(
    api: httpx.AsyncClient, services: Services, batch_id: str, way: str, verb: str, body: Any
) -> None:
    """409 in the words of a cancel that comes too late."""
    await advance(services, RequestsDone(), ENDED)
    answer = await api.post(f"/v1/batches/{batch_id}{way}", json=body)

    assert (answer.status_code, answer.json()["error"]["message"]) == (
        409,
        f"Cannot {verb} a batch with status 'completed'.",
    )


async def test_a_paused_batch_can_be_cancelled(api: httpx.AsyncClient, batch_id: str) -> None:
    """It is paused no more."""
    await api.post(f"/v1/batches/{batch_id}/pause")
    cancelled = (await api.post(f"/v1/batches/{batch_id}/cancel")).json()

    assert cancelled["status"] == "cancelling"
    assert "paused_at" not in cancelled
