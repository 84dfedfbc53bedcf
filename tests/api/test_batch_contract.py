"""Sentences of the wire contract on batches that no other file proves; each test names its section."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from shared.domain.batches.batch import Batch, CancelRequested, Event, Finished, RequestsDone, Status, Validated, apply
from shared.domain.endpoints import ENDPOINTS
from shared.domain.usage.usage import Usage
from shared.services import Services
from tests.api.harness import Clock

Send = Callable[..., Awaitable[httpx.Response]]
CLASSIC, V1, AZURE_V1 = "/openai/batches?api-version=2025-04-01-preview", "/v1/batches", "/openai/v1/batches"
VALIDATED = Validated(deployment="m", total=8, chunks=1, input_tokens=1)


async def after(services: Services, clock: Clock, *events: Event) -> Batch:
    """The one batch, a second older with each event."""
    (listed,) = await services.stores.batches.list("default", limit=2)
    stored = await services.stores.batches.get("default", listed.id)
    assert stored
    batch = stored.value
    for event in events:
        clock.advance(seconds=1)
        batch = apply(batch, event, clock())
    await services.stores.batches.replace(batch, stored.version)
    return batch


def finished(**changes: Any) -> Finished:
    values = {"completed": 0, "failed": 0, "usage": Usage(), "model": None, "output_file_id": None}
    return Finished(**values | {"error_file_id": None} | changes)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("path", [V1, CLASSIC, AZURE_V1])
async def test_every_endpoint_is_accepted(create: Send, path: str, endpoint: str) -> None:
    """Contract 1.5.5: the eight of OpenAI's list; Azure shows them without `/v1` (contract 9.1 no. 17)."""
    response = await create(path=path, endpoint=endpoint)

    assert response.status_code in (200, 201)
    assert response.json()["endpoint"] == (endpoint if path == V1 else endpoint.removeprefix("/v1"))


async def test_an_unsupported_endpoint(create: Send) -> None:
    """Contract 1.3: literal, alphabetical, with all that the list has grown to."""
    error = (await create(endpoint="/v1/invalid/endpoint")).json()["error"]

    assert error == {
        "message": (
            "Invalid value: '/v1/invalid/endpoint'. Supported values are: '/v1/chat/completions', '/v1/completions', "
            "'/v1/embeddings', '/v1/images/edits', '/v1/images/generations', '/v1/moderations', '/v1/responses', "
            "and '/v1/videos'."
        ),
        "type": "invalid_request_error",
        "param": "endpoint",
        "code": "invalid_value",
    }


@pytest.mark.parametrize(
    ("metadata", "message", "param", "code"),
    [
        (
            {str(n): "" for n in range(17)},
            (
                "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an "
                "object with 17 properties instead."
            ),
            "metadata",
            "object_above_max_properties",
        ),
        (
            {"k": "v" * 513},
            (
                "Invalid 'metadata.k': string too long. Expected a string with maximum length 512, but got a string "
                "with length 513 instead."
            ),
            "metadata.k",
            "string_above_max_length",
        ),
        (
            {"nested": {"a": "b"}},
            "Invalid type for 'metadata.nested': expected a string, but got an object instead.",
            "metadata.nested",
            "invalid_type",
        ),
    ],
)
@pytest.mark.parametrize("path", [V1, CLASSIC, AZURE_V1])
async def test_metadata_rules(
    create: Send, services: Services, path: str, metadata: dict[str, Any], message: str, param: str, code: str
) -> None:
    """Contract 1.3, 2.8: the same words everywhere, each in the dialect's envelope; nested metadata breaks creation."""
    response = await create(path=path, metadata=metadata)
    error = response.json()["error"]

    assert (response.status_code, error["message"]) == (400, message)
    assert param in (error.get("param"), error.get("target"))
    assert error["code"] == (code if path == V1 else "invalidPayload")
    assert await services.stores.batches.list("default", limit=1) == []


@pytest.mark.parametrize("metadata", [None, {}, {"k" * 64: "v" * 512}])
async def test_metadata_is_echoed(create: Send, metadata: dict[str, str] | None) -> None:
    """Contract 1.7, 2.8: `null` allowed."""
    assert (await create(metadata=metadata)).json()["metadata"] == metadata


@pytest.mark.parametrize(("path", "seconds"), [(V1, 3600), (CLASSIC, 259200), (CLASSIC, 1209600), (AZURE_V1, 2592000)])
async def test_the_range_of_the_output_expiry(create: Send, path: str, seconds: int) -> None:
    """Contract 1.5.5: one hour to thirty days; Azure's range is inside it."""
    response = await create(path=path, output_expires_after={"anchor": "created_at", "seconds": seconds})

    assert response.status_code in (200, 201)


async def test_every_key_is_there_in_every_dialect_without_versions(create: Send) -> None:
    """Contract 9.1 no. 14, 7 no. 31: explicit nulls, and strict clients' `completion_window` and `expires_at`."""
    openai = (await create()).json()
    for path in ("/v1/openai/batches", AZURE_V1):
        assert openai.keys() <= (await create(path=path)).json().keys()


async def test_never_ran_requests_count_as_nothing(
    create: Send, api: httpx.AsyncClient, services: Services, clock: Clock
) -> None:
    """Contract 2.4: a cancelled batch of eight with four results is 8, 4, 0."""
    batch_id = (await create()).json()["id"]
    await after(services, clock, VALIDATED, CancelRequested(), finished(completed=4))
    batch = (await api.get(f"/v1/batches/{batch_id}")).json()

    assert batch["request_counts"] == {"total": 8, "completed": 4, "failed": 0}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((VALIDATED, RequestsDone(), finished()), {"in_progress": 1, "finalizing": 2, "completed": 3}),
        ((VALIDATED, CancelRequested(), finished()), {"in_progress": 1, "cancelling": 2, "cancelled": 3}),
        ((VALIDATED, finished()), {"in_progress": 1, "finalizing": 2, "expired": 2}),
    ],
)
async def test_timestamps(
    create: Send,
    api: httpx.AsyncClient,
    services: Services,
    clock: Clock,
    events: tuple[Event, ...],
    expected: dict[str, int],
) -> None:
    """Contract 2.3, 9.3: each is set once and stays, those of other ends are null; `expires_at` is a day after creation."""
    batch_id = (await create()).json()["id"]
    await after(services, clock, *events)
    batch = (await api.get(f"/v1/batches/{batch_id}")).json()
    names = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
    found = {name: batch[f"{name}_at"] for name in names}

    assert found == dict.fromkeys(names) | {name: batch["created_at"] + at for name, at in expected.items()}
    assert batch["expires_at"] == batch["created_at"] + 86400


@pytest.mark.parametrize(("method", "status"), [("DELETE", 409), ("PUT", 405), ("PATCH", 405)])
async def test_a_batch_that_runs_stays(
    create: Send, api: httpx.AsyncClient, services: Services, method: str, status: int
) -> None:
    """Contract 1.4: vendors have no such route; ours deletes only what has ended."""
    batch_id = (await create()).json()["id"]
    response = await api.request(method, f"/v1/batches/{batch_id}")

    assert response.status_code == status
    assert (await services.stores.batches.list("default", limit=1))[0].status is Status.VALIDATING


@pytest.mark.parametrize(
    ("path", "kept"),
    [("/v1/batches/x", None), ("/v1/openai/batches/x", None), ("/openai/v1/batches/x", "notFound"), (CLASSIC, "")],
)
async def test_an_unknown_batch_in_every_dialect(api: httpx.AsyncClient, path: str, kept: str | None) -> None:
    """Contract 1.3: the same sentence in each envelope, under 404."""
    url = path.replace("/batches?", "/batches/x?")
    response = await api.get(url)

    assert response.status_code == 404
    assert response.json()["error"]["message"] == "No batch found with id 'x'."
    assert response.json()["error"]["code"] == ("notFound" if kept == "" else kept)


@pytest.mark.parametrize("accept", ["application/json", "text/html", "application/binary", "nonsense"])
async def test_any_accept_header_is_answered(create: Send, api: httpx.AsyncClient, accept: str) -> None:
    """Contract 1.5.4, 9.1 no. 4: never 406."""
    await create()

    assert (await api.get("/v1/batches", headers={"accept": accept})).status_code == 200
