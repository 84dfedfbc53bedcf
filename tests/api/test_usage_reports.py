"""Reports of usage and costs (contract 10.4)."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azurefunctions.extensions.http.fastapi import Request

from api.edge.dialect import OPENAI
from api.edge.endpoint import Call
from api.usage.usage import report_completions
from shared.domain.ids import new_id
from shared.domain.keys.caller import ADMINISTRATOR, Caller, operator_in
from shared.domain.keys.project import Project
from shared.domain.usage.ledger import Amounts, Charge, LedgerRow, Tally
from shared.domain.usage.usage import Usage
from shared.services import Services
from tests.api.harness import Clock
from timers.roll_up_usage import roll_up_usage

DAY = datetime(2026, 1, 2, tzinfo=UTC)
START = int(DAY.timestamp())
URL = "/v1/organization/usage/completions"
COSTS = "/v1/organization/costs"
KEY_A, KEY_B = (new_id(DAY, bytes([number]) * 10) for number in (1, 2))
PROJECT = new_id(DAY, b"\3" * 10)


def row(chunk: int = 0, *, at: datetime = DAY, project: str = "default", tokens: int = 10, **tally: Any) -> LedgerRow:
    charges = (
        Charge(currency="USD", item="input_tokens", quantity=tokens, picos=tokens * 250_000),
        Charge(currency="USD", item="output_tokens", quantity=1, picos=2_000_000),
    )
    usage = Usage(input_tokens=tokens, cached_tokens=4, output_tokens=1, reasoning_tokens=1, images=2)
    amounts = Amounts(completed=3, failed=1, usage=usage, charges=charges)
    values = {"model": "m", "endpoint": "/v1/chat/completions", "amounts": amounts}
    return LedgerRow(
        project=project, batch_id=new_id(DAY, b"\4" * 10), chunk=chunk, sealed_at=at, tally=Tally(**values | tally)
    )


async def write(services: Services, *rows: LedgerRow) -> None:
    for one in rows:
        await services.stores.usage.write([one])


async def ask(api: httpx.AsyncClient, url: str = URL, **query: Any) -> list[dict[str, Any]]:
    """The buckets of the page."""
    answer = await api.get(url, params={"start_time": START} | query)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["object"] == "page"
    assert page["has_more"] == (page["next_page"] is not None)
    return page["data"]


async def results(api: httpx.AsyncClient, url: str = URL, **query: Any) -> list[dict[str, Any]]:
    return [result for bucket in await ask(api, url, **query) for result in bucket["results"]]


async def test_a_report_of_completions(services: Services, api: httpx.AsyncClient) -> None:
    """Everything that was not asked for is null."""
    await write(services, row())

    assert await ask(api) == [
        {
            "object": "bucket",
            "start_time": START,
            "end_time": START + 86_400,
            "results": [
                {
                    "object": "organization.usage.completions.result",
                    "input_tokens": 10,
                    "output_tokens": 1,
                    "input_cached_tokens": 4,
                    "input_cache_write_tokens": 0,
                    "input_uncached_tokens": 6,
                    "output_reasoning_tokens": 1,
                    "num_model_requests": 3,
                    "num_failed_requests": 1,
                    **dict.fromkeys(("project_id", "user_id", "api_key_id", "model", "batch", "service_tier")),
                    "api_source": None,
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("kind", "endpoint"),
    [
        ("completions", "/v1/chat/completions"),
        ("completions", "/v1/completions"),
        ("completions", "/v1/responses"),
        ("embeddings", "/v1/embeddings"),
        ("moderations", "/v1/moderations"),
        ("images", "/v1/images/edits"),
        ("images", "/v1/images/generations"),
        (None, "/v1/videos"),
    ],
)
async def test_each_endpoint_has_its_report(
    services: Services, api: httpx.AsyncClient, kind: str | None, endpoint: str
) -> None:
    """Of usage in one at most, of costs in any case."""
    await write(services, row(endpoint=endpoint))
    kinds = ("completions", "embeddings", "moderations", "images")
    found = {each: await results(api, f"/v1/organization/usage/{each}") for each in kinds}

    assert {each for each, some in found.items() if some} == ({kind} if kind else set())
    assert len(await results(api, COSTS)) == 1


async def test_images_are_counted(services: Services, api: httpx.AsyncClient) -> None:
    """By image, not by request."""
    await write(services, row(endpoint="/v1/images/edits"))
    (found,) = await results(api, "/v1/organization/usage/images")

    assert (found["images"], found["num_model_requests"], found["size"]) == (2, 3, None)


@pytest.mark.parametrize("rolled_up", [False, True])
@pytest.mark.parametrize("spelling", ["group_by", "group_by[]"])
async def test_groups(services: Services, api: httpx.AsyncClient, clock: Clock, spelling: str, rolled_up: bool) -> None:
    """By project, key and model, in either spelling; the bootstrap key has no id."""
    await write(
        services,
        row(0, key_id=KEY_A),
        row(1, key_id=KEY_A, tokens=5),
        row(2, key_id=KEY_B),
        row(3),
        row(4, model="n"),
        row(5, project=PROJECT, key_id=KEY_A),
    )
    clock.advance(hours=3)
    if rolled_up:
        await roll_up_usage(services)
    query = {spelling: ["project_id", "api_key_id", "model"]}
    found = await results(api, **query)

    assert [(each["project_id"], each["api_key_id"], each["model"], each["input_tokens"]) for each in found] == [
        (f"proj_{PROJECT}", f"key_{KEY_A}", "m", 10),
        ("proj_default", None, "m", 10),
        ("proj_default", None, "n", 10),
        ("proj_default", f"key_{KEY_A}", "m", 15),
        ("proj_default", f"key_{KEY_B}", "m", 10),
    ]


async def test_constant_groups(services: Services, api: httpx.AsyncClient) -> None:
    """All of it is batches, none of it a user's or an agent's."""
    await write(services, row())
    (found,) = await results(api, group_by=["batch", "user_id", "api_source", "service_tier"])

    assert (found["batch"], found["user_id"], found["api_source"], found["service_tier"]) == (
        True,
        None,
        "unlabeled",
        None,
    )


@pytest.mark.parametrize(
    ("query", "tokens"),
    [
        ({"project_ids": [f"proj_{PROJECT}"]}, 100),
        ({"project_ids[]": ["proj_default", f"proj_{PROJECT}"]}, 111),
        ({"project_ids[]": ["proj_unheard_of"]}, 0),
        ({"api_key_ids": [f"key_{KEY_A}"]}, 10),
        ({"models[]": ["n", "nobody"]}, 1),
        ({"models": ["m"], "project_ids": ["proj_default"]}, 10),
        ({"batch": "true"}, 111),
        ({"batch": "false"}, 0),
        ({"user_ids": ["user-1"]}, 0),
    ],
)
async def test_filters(services: Services, api: httpx.AsyncClient, query: dict[str, Any], tokens: int) -> None:
    """All of them have to hold."""
    await write(services, row(0, key_id=KEY_A), row(1, model="n", tokens=1), row(2, project=PROJECT, tokens=100))

    assert sum(each["input_tokens"] for each in await results(api, **query)) == tokens


@pytest.mark.parametrize("width", ["1m", "1h", "1d"])
async def test_the_same_before_and_after_summing(
    services: Services, api: httpx.AsyncClient, clock: Clock, width: str
) -> None:
    """Rows of hours that are due, of days that are partly due, and late ones: each counts once, in its own bucket."""
    times = [DAY + timedelta(minutes=minutes) for minutes in (0, 0.5, 1, 59, 61, 119, 180, 1439, 1440)]
    await write(services, *(row(number, at=at, tokens=10**number) for number, at in enumerate(times)))
    query = {"bucket_width": width, "end_time": START + 2 * 86_400, "limit": {"1m": 1440, "1h": 48, "1d": 2}[width]}
    before = await ask(api, **query)
    clock.now = DAY + timedelta(hours=2, minutes=30)
    await roll_up_usage(services)
    half = await ask(api, **query)
    clock.now = DAY + timedelta(days=3)
    await roll_up_usage(services)
    after = await ask(api, **query)
    await write(services, row(99, at=DAY, tokens=7))
    late = await ask(api, **query)
    await roll_up_usage(services)

    assert before == half == after
    assert late == await ask(api, **query)
    assert late[0]["results"][0]["input_tokens"] == after[0]["results"][0]["input_tokens"] + 7
    seconds = {"1m": 60, "1h": 3600, "1d": 86_400}[width]
    in_page = [at for at in times if (at - DAY).total_seconds() < len(before) * seconds]
    assert {bucket["start_time"] for bucket in before if bucket["results"]} == {
        START + int((at - DAY).total_seconds()) // seconds * seconds for at in in_page
    }


async def test_pages(services: Services, api: httpx.AsyncClient) -> None:
    """Each bucket once, empty ones too; the last page says that it is the last."""
    await write(services, *(row(number, at=DAY + timedelta(days=number)) for number in range(5)))
    query: dict[str, Any] = {"start_time": START, "end_time": START + 5 * 86_400, "limit": 2}
    pages = []
    while True:
        pages.append((await api.get(URL, params=query)).json())
        if not pages[-1]["has_more"]:
            break
        query["page"] = pages[-1]["next_page"]

    assert [[bucket["start_time"] for bucket in page["data"]] for page in pages] == [
        [START, START + 86_400],
        [START + 2 * 86_400, START + 3 * 86_400],
        [START + 4 * 86_400],
    ]


@pytest.mark.parametrize(
    ("query", "first", "count"),
    [
        ({}, START, 1),
        ({"start_time": START + 5}, START, 1),
        ({"start_time": START - 86_400 * 20}, START - 86_400 * 20, 7),
        ({"start_time": START - 86_400 * 20, "limit": 31}, START - 86_400 * 20, 21),
        ({"bucket_width": "1h"}, START, 4),
        ({"bucket_width": "1m"}, START, 60),
        ({"end_time": START + 86_401}, START, 2),
        ({"end_time": START + 86_400}, START, 1),
    ],
)
async def test_which_buckets(api: httpx.AsyncClient, query: dict[str, Any], first: int, count: int) -> None:
    """Whole ones, up to now (03:04:05) unless an end is given, as many as OpenAI gives unless a limit is."""
    found = await ask(api, **query)

    assert (found[0]["start_time"], len(found)) == (first, count)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"start_time": ""}, "start_time"),
        ({"start_time": "yesterday"}, "start_time"),
        ({"start_time": "-1"}, "start_time"),
        ({"end_time": START}, "end_time"),
        ({"end_time": "99999999999999"}, "end_time"),
        ({"bucket_width": "1w"}, "bucket_width"),
        ({"limit": "32"}, "limit"),
        ({"limit": "169", "bucket_width": "1h"}, "limit"),
        ({"limit": "1441", "bucket_width": "1m"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"group_by": "color"}, "group_by"),
        ({"group_by[]": "line_item"}, "group_by"),
        ({"batch": "maybe"}, "batch"),
        ({"page": "page_1"}, "page"),
        ({"page": f"page_{START + 1}"}, "page"),
        ({"page": f"page_{'9' * 12}"}, "page"),
        ({"page": "no page"}, "page"),
        ({"format": "xml"}, "format"),
    ],
)
async def test_mistakes_are_named(api: httpx.AsyncClient, query: dict[str, Any], param: str) -> None:
    """By the parameter that is wrong."""
    answer = await api.get(URL, params={"start_time": START} | query)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("filter_name", ["sizes", "sources"])
async def test_what_is_not_kept_cannot_be_filtered_by(api: httpx.AsyncClient, filter_name: str) -> None:
    """Better no answer than a wrong one."""
    answer = await api.get("/v1/organization/usage/images", params={"start_time": START, f"{filter_name}[]": "x"})

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, filter_name)


async def test_costs(services: Services, api: httpx.AsyncClient) -> None:
    """Exact sums, in the currency's unit."""
    await write(services, row(0), row(1, model="n", tokens=3))

    assert await results(api, COSTS) == [
        {
            "object": "organization.costs.result",
            "amount": {"value": 0.00000725, "currency": "usd"},
            "quantity": None,
            "quantity_unit": None,
            **dict.fromkeys(("project_id", "user_id", "line_item", "api_key_id", "api_source")),
        }
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            {},
            [
                ("m, input_tokens", 0.0000025, 10),
                ("m, output_tokens", 0.000002, 1),
                ("n, input_tokens", 0.00000075, 3),
                ("n, output_tokens", 0.000002, 1),
            ],
        ),
        ({"line_items[]": ["n, input_tokens"]}, [("n, input_tokens", 0.00000075, 3)]),
        ({"line_items": ["n"]}, []),
    ],
)
async def test_line_items(services: Services, api: httpx.AsyncClient, query: dict[str, Any], expected: Any) -> None:
    """Model and kind of token; a filter names all of it."""
    await write(services, row(0), row(1, model="n", tokens=3))
    found = await results(api, COSTS, group_by="line_item", **query)

    assert [(each["line_item"], each["amount"]["value"], each["quantity"]) for each in found] == expected


async def test_a_filter_of_line_items_alone(services: Services, api: httpx.AsyncClient) -> None:
    """Their sum."""
    await write(services, row(0), row(1, model="n", tokens=3))
    query = {"line_items": ["m, input_tokens", "n, input_tokens"]}

    assert [each["amount"]["value"] for each in await results(api, COSTS, **query)] == [0.00000325]


async def test_without_a_price_there_are_no_costs(services: Services, api: httpx.AsyncClient) -> None:
    """Not even a zero: nobody knows."""
    await write(services, row(amounts=Amounts(completed=1)))

    assert await results(api, COSTS) == []


async def test_costs_of_half_a_year(api: httpx.AsyncClient) -> None:
    """180 days a page, and days only."""
    early = START - 400 * 86_400
    assert len(await ask(api, COSTS, start_time=early, limit=180)) == 180
    for query in ({"limit": 181}, {"bucket_width": "1h"}):
        answer = await api.get(COSTS, params={"start_time": START} | query)
        assert answer.json()["error"]["param"] == next(iter(query))


@pytest.mark.parametrize("how", [{"params": {"format": "csv"}}, {"headers": {"accept": "text/csv"}}])
async def test_csv(services: Services, api: httpx.AsyncClient, how: dict[str, Any]) -> None:
    """The same page as a table; no cell is a formula, whatever a model is called."""
    for number, model in enumerate(("m", "=cmd()", "+1", "-1", "@x", "\tx", "\rx", 'a "b", c')):
        await write(services, row(number, model=model))
    query = {"start_time": START, "group_by": "model", "end_time": START + 2 * 86_400, "limit": 1}
    answer = await api.get(URL, params=query | how.get("params", {}), headers=how.get("headers"))
    table = list(csv.DictReader(io.StringIO(answer.text, newline="")))

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["x-next-page"] == f"page_{START + 86_400}"
    assert {each["model"] for each in table} == {"m", "'=cmd()", "'+1", "'-1", "'@x", "'\tx", "'\rx", 'a "b", c'}
    assert {(each["start_time"], each["input_tokens"], each["project_id"]) for each in table} == {
        (str(START), "10", "")
    }


async def test_a_project_sees_itself_alone(services: Services, clock: Clock) -> None:
    """Whatever projects it asks for; an administrator sees all."""
    await write(services, row(0), row(1, project=PROJECT, tokens=100))
    project = Project(id=PROJECT, name="Translations", created_at=DAY)

    async def tokens(caller: Caller, query: str = "") -> int:
        scope = {"type": "http", "query_string": f"start_time={START}{query}".encode(), "headers": []}
        call = Call(caller=caller, dialect=OPENAI, service=services, api_version=None)
        buckets = json.loads((await report_completions(Request(scope), call)).body)["data"]
        return sum(result["input_tokens"] for bucket in buckets for result in bucket["results"])

    assert [await tokens(ADMINISTRATOR), await tokens(operator_in(project))] == [110, 100]
    assert await tokens(operator_in(project), "&project_ids[]=proj_default") == 0
    assert await tokens(operator_in(project), f"&project_ids[]=proj_default&project_ids[]=proj_{PROJECT}") == 100


async def test_csv_of_costs(services: Services, api: httpx.AsyncClient) -> None:
    """Amounts take two columns."""
    await write(services, row())
    answer = await api.get(COSTS, params={"start_time": START, "format": "csv"})
    (found,) = csv.DictReader(io.StringIO(answer.text, newline=""))

    assert (found["amount_value"], found["amount_currency"]) == ("0.0000045", "usd")
