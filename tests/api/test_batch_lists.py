"""Narrowed lists of batches: our filters in every dialect, OData in Azure's (contract 1.5.6, 1.6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import openai
import pytest

from api.batches.batch_list import parse_batch_query, search
from api.batches.rendering import render_batches
from api.edge.dialect import OPENAI
from shared.domain.batches.batch import Batch, Status
from shared.services import Services
from tests.api.harness import KEY, Clock

Send = Callable[..., Awaitable[httpx.Response]]
START = 1767323045
PREVIEW = {"api-version": "2025-04-01-preview"}
MOUNTS = [
    ("/v1/batches", {}),
    ("/v1/openai/batches", {}),
    ("/openai/v1/batches", {}),
    ("/openai/batches", PREVIEW),
]


@pytest.fixture
async def many(create: Send, services: Services, clock: Clock) -> list[str]:
    """Twelve batches, ten seconds apart, canonical ids: every third failed, every fourth of team red."""
    for number in range(12):
        await create(metadata={"team": "red" if number % 4 == 0 else "blue", "n": str(number)})
        clock.advance(seconds=10)
    batches = await services.stores.batches.list("default", limit=20, newest_first=False)
    for batch in batches[::3]:
        await replace(services, batch, status=Status.FAILED)
    await replace(services, batches[4], deployment="m", model="m-2026-11-01")
    await replace(services, batches[10], deployment="m")
    await replace(services, batches[7], deployment="m-large", model="m-large")
    await replace(services, batches[1], status=Status.EXPIRED)
    return [batch.id for batch in batches]


async def replace(services: Services, batch: Batch, **changes: Any) -> None:
    stored = await services.stores.batches.get(batch.owner, batch.id)
    assert stored
    await services.stores.batches.replace(msgspec.structs.replace(stored.value, **changes), stored.version)


async def numbers(api: httpx.AsyncClient, path: str = "/v1/batches", **query: str) -> list[int]:
    """The numbers of the batches found, page after page, as SDKs page."""
    found, after = list[int](), ""
    while True:
        response = await api.get(path, params={**query, "after": after})
        assert response.status_code == 200, response.text
        page = response.json()
        found += [int(batch["metadata"]["n"]) for batch in page["data"]]
        if not page["data"] or not page["has_more"]:
            return found
        after = page["data"][-1]["id"]


@pytest.mark.parametrize("limit", ["1", "2", "4", "100"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "failed"}, [9, 6, 3, 0]),
        ({"status": "failed,expired"}, [9, 6, 3, 1, 0]),
        ({"status": "expired, failed", "order": "asc", "metadata[team]": "blue"}, [1, 3, 6, 9]),
        ({"model": "m"}, [10, 4]),
        ({"model": "m", "order": "asc"}, [4, 10]),
        ({"model": "m-2026-11-01"}, [4]),
        ({"model": "m-large", "created_after": str(START + 80)}, []),
        ({"model": ""}, list(range(11, -1, -1))),
        ({"metadata[team]": "red"}, [8, 4, 0]),
        ({"metadata[team]": "red", "status": "failed"}, [0]),
        ({"metadata[team]": "green"}, []),
        ({"created_after": str(START + 80)}, [11, 10, 9]),
        ({"created_before": str(START + 20)}, [1, 0]),
        ({"created_after": str(START + 20), "created_before": str(START + 50)}, [4, 3]),
        ({"created_after": str(START + 50), "created_before": str(START + 20)}, []),
        ({"created_after": str(START + 20), "status": "failed", "order": "asc"}, [3, 6, 9]),
        ({"order": "asc", "created_before": str(START + 30)}, [0, 1, 2]),
        ({"status": "", "created_after": ""}, list(range(11, -1, -1))),
    ],
)
async def test_filters(
    many: list[str], api: httpx.AsyncClient, query: dict[str, str], expected: list[int], limit: str
) -> None:
    """Every match once, in order, whatever the page size."""
    assert await numbers(api, limit=limit, **query) == expected


@pytest.mark.parametrize(("path", "version"), MOUNTS)
async def test_filters_work_in_every_dialect(
    many: list[str], api: httpx.AsyncClient, path: str, version: dict[str, str]
) -> None:
    """An extension that strict clients ignore."""
    assert await numbers(api, path, status="failed", limit="3", **version) == [9, 6, 3, 0]


@pytest.mark.parametrize(("path", "version"), MOUNTS[2:])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"$filter": f"created_at gt {START + 80} and status eq 'Failed'"}, [9]),
        ({"$filter": f"created_at le {START + 10} or status eq 'Failed'"}, [9, 6, 3, 1, 0]),
        ({"$filter": "status eq 'Failed'", "$orderby": "created_at asc"}, [0, 3, 6, 9]),
        ({"$orderby": "created_at asc", "created_after": str(START + 80)}, [9, 10, 11]),
        ({"$filter": "status eq 'Failed'", "metadata[team]": "red"}, [0]),
    ],
)
async def test_odata(
    many: list[str],
    api: httpx.AsyncClient,
    path: str,
    version: dict[str, str],
    query: dict[str, str],
    expected: list[int],
) -> None:
    """Contract 1.5.6: `$filter` and `$orderby`, with paging."""
    assert await numbers(api, path, limit="2", **version, **query) == expected


async def test_odata_is_azures(many: list[str], api: httpx.AsyncClient) -> None:
    """OpenAI has no `$filter`; what it does not know it ignores."""
    assert len(await numbers(api, **{"$filter": "nonsense"})) == 12


@pytest.mark.parametrize(
    ("query", "message", "param"),
    [
        (
            {"status": "done"},
            (
                "Invalid value: 'done'. Supported values are: 'cancelled', 'cancelling', 'completed', 'expired', "
                "'failed', 'finalizing', 'in_progress', and 'validating'."
            ),
            "status",
        ),
        (
            {"status": "failed,"},
            (
                "Invalid value: ''. Supported values are: 'cancelled', 'cancelling', 'completed', 'expired', "
                "'failed', 'finalizing', 'in_progress', and 'validating'."
            ),
            "status",
        ),
        (
            {"created_after": "yesterday"},
            "Invalid type for 'created_after': expected an integer, but got a string instead.",
            "created_after",
        ),
    ],
)
async def test_wrong_filters(api: httpx.AsyncClient, query: dict[str, str], message: str, param: str) -> None:
    """400 that names the parameter."""
    response = await api.get("/v1/batches", params=query)

    assert response.status_code == 400
    assert (response.json()["error"]["message"], response.json()["error"]["param"]) == (message, param)


async def test_a_wrong_odata_filter(api: httpx.AsyncClient) -> None:
    """400 in Azure's envelope (contract 1.3)."""
    response = await api.get("/openai/batches", params={**PREVIEW, "$filter": "status eq 'Done'"})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalidPayload"
    assert response.json()["error"]["target"] == "$filter"


async def test_a_long_search_goes_on_to_the_first_match(many: list[str], services: Services) -> None:
    """A page never comes back empty before the end while the search may go on: SDKs would stop there."""
    pages, after = list[list[str]](), ""
    while after is not None:
        query = parse_batch_query({"limit": "2", "metadata[team]": "red", "after": after and f"batch_{after}"}, OPENAI)
        found = await search(services.stores.batches, "default", query, at_once=2, most_read=2)
        pages.append([batch.metadata["n"] for batch in found.batches])
        after = found.batches[-1].id if found.has_more else None

    assert pages == [["8"], ["4"], ["0"], []]


async def test_a_search_in_vain_ends_with_a_position(many: list[str], services: Services, clock: Clock) -> None:
    """Work is bounded: an empty page says that there is more, and `last_id` goes on."""

    async def page(**query: str) -> dict[str, Any]:
        parsed = parse_batch_query({"metadata[n]": "5"} | query, OPENAI)
        found = await search(services.stores.batches, "default", parsed, at_once=2, most_in_vain=4)
        return render_batches(OPENAI, found.batches, clock(), position=found.position)

    first = await page()
    second = await page(after=first["last_id"])

    assert (first["data"], first["first_id"], first["has_more"]) == ([], None, True)
    assert first["last_id"] == f"batch_{many[8]}"
    assert [batch["metadata"]["n"] for batch in second["data"]] == ["5"]


async def test_through_the_sdk(many: list[str], api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """`extra_query` is how SDK users filter; auto-paging keeps the filter."""
    requests = httpx.AsyncClient(transport=api._transport, base_url="http://service")
    async with openai.AsyncOpenAI(base_url="http://service/v1", api_key=KEY, http_client=requests) as client:
        pages = client.batches.list(limit=2, extra_query={"metadata[team]": "red"})
        found = [batch.metadata["n"] async for batch in pages]

    assert found == ["8", "4", "0"]
