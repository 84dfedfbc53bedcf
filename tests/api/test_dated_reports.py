"""Compass's usage report (contract 9.4): the same ledger, asked for by names and dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.domain.ids import new_id
from shared.domain.usage.ledger import Amounts, Charge, LedgerRow, Tally
from shared.domain.usage.usage import Usage
from shared.services import Services, use
from tests.api.administration import error_of
from tests.api.harness import KEY, Clock
from tests.api.made_keys import make_key, make_project, with_peppers
from timers.roll_up_usage import roll_up_usage

URL = "/logs/v1/admin/usage_reports"
DAY = datetime(2026, 1, 2, tzinfo=UTC)
START = int(DAY.timestamp())
ASKED = {"model_ids": ["m"], "start_date": "2026-01-02", "end_date": "2026-01-02", "interval": "per_day"}


def row(chunk: int = 0, *, at: datetime = DAY, project: str = "default", tokens: int = 10, **tally: Any) -> LedgerRow:
    charges = (
        Charge(currency="EUR", item="input_tokens", quantity=tokens, picos=500_000),
        Charge(currency="USD", item="input_tokens", quantity=tokens, picos=2_500_000),
        Charge(currency="USD", item="output_tokens", quantity=1, picos=2_000_000),
    )
    usage = Usage(input_tokens=tokens, cached_tokens=4, output_tokens=1, images=2)
    values = {"model": "m", "endpoint": "/v1/chat/completions"}
    amounts = Amounts(completed=3, failed=1, usage=usage, charges=charges)
    of = Tally(**values | {"amounts": amounts} | tally)
    return LedgerRow(project=project, batch_id=new_id(DAY, b"\4" * 10), chunk=chunk, sealed_at=at, tally=of)


async def write(services: Services, *rows: LedgerRow) -> None:
    for one in rows:
        await services.stores.usage.write([one])


async def ask(api: httpx.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
    answer = await api.post(URL, json=ASKED | asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def tokens(api: httpx.AsyncClient, **asked: Any) -> list[int]:
    return sorted(found["input_tokens"] for found in await ask(api, **asked))


async def test_a_report(services: Services, api: httpx.AsyncClient) -> None:
    """A row for each bucket, project, key and model, with the names behind the ids and each currency apart."""
    project = await make_project(services, name="Research", labels={"department": "R7"})
    key = (await make_key(services, project, name="nightly")).record
    await write(services, row(project=project.id, key_id=key.id), row(1, project=project.id, key_id=key.id, tokens=5))
    answer = await api.post(URL, json=ASKED)

    assert answer.json() == {
        "object": "usage_report",
        "start_date": "2026-01-02",
        "end_date": "2026-01-02",
        "interval": "per_day",
        "data": [
            {
                "start_time": START,
                "end_time": START + 86_400,
                "model_id": "m",
                "api_key_id": f"key_{key.id}",
                "api_key_name": "nightly",
                "project_id": f"proj_{project.id}",
                "project": "Research",
                "department": "R7",
                "num_model_requests": 6,
                "num_failed_requests": 2,
                "input_tokens": 15,
                "input_cached_tokens": 8,
                "output_tokens": 2,
                "total_tokens": 17,
                "images": 4,
                "costs": [{"value": 0.000001, "currency": "eur"}, {"value": 0.000009, "currency": "usd"}],
            }
        ],
    }


async def test_what_has_no_name(services: Services, api: httpx.AsyncClient) -> None:
    """The bootstrap key has neither id nor name, a key that was deleted no name; the default project always has one."""
    deleted = new_id(DAY, b"\5" * 10)
    await write(services, row(0), row(1, key_id=deleted))
    found = await ask(api)

    assert [(one["api_key_id"], one["api_key_name"]) for one in found] == [(None, None), (f"key_{deleted}", None)]
    assert {(one["project"], one["department"]) for one in found} == {("Default project", None)}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [1, 2, 3, 4]),
        ({"api_key_name": "all", "project": "all", "department": "all"}, [1, 2, 3, 4]),
        ({"api_key_name": None, "project": None, "department": None}, [1, 2, 3, 4]),
        ({"department": "R7"}, [1, 4]),
        ({"department": "S1"}, [2]),
        ({"department": "r7"}, []),
        ({"project": "Research"}, [1, 2]),
        ({"project": "Translations"}, [3, 4]),
        ({"project": "proj_{id}"}, [1, 2]),
        ({"project": "{id}"}, [1, 2]),
        ({"api_key_name": "nightly"}, [1, 3]),
        ({"api_key_name": "nightly", "department": "R7"}, [1]),
        ({"model_ids": ["m", "n"]}, [1, 2, 3, 4, 50]),
        ({"model_ids": ["n"]}, [50]),
        ({"model_ids": ["all"]}, [1, 2, 3, 4, 50]),
        ({"model_ids": []}, [1, 2, 3, 4, 50]),
    ],
)
async def test_filters(services: Services, api: httpx.AsyncClient, asked: dict[str, Any], expected: list[int]) -> None:
    """A department is a key's label, or else its project's; `all`, null and nothing at all are the same."""
    research = await make_project(services, name="Research", labels={"department": "R7"})
    other = await make_project(services, name="Translations")
    labels = [(research, "nightly", {}), (research, "b", {"department": "S1"}), (other, "nightly", {})]
    labels.append((other, "d", {"department": "R7"}))
    for number, (project, name, of_key) in enumerate(labels, 1):
        key = (await make_key(services, project, name=name, labels=of_key)).record
        await write(services, row(number, project=project.id, key_id=key.id, tokens=number))
    await write(services, row(5, model="n", tokens=50))
    asked = {name: value.format(id=research.id) if isinstance(value, str) else value for name, value in asked.items()}

    assert await tokens(api, **asked) == expected


@pytest.mark.parametrize("rolled_up", [False, True])
@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("per_minute", [(0, 10), (59 * 60, 10), (86_340, 10)]),
        ("per_hour", [(0, 20), (23 * 3600, 10)]),
        ("per_day", [(0, 30)]),
    ],
)
async def test_buckets(
    services: Services,
    api: httpx.AsyncClient,
    clock: Clock,
    interval: str,
    expected: list[tuple[int, int]],
    rolled_up: bool,
) -> None:
    """Of both days all, in UTC, and nothing of the days around; what is empty is left out."""
    minutes = (-1, 0, 59, 1439, 1440)
    await write(services, *(row(n, at=DAY + timedelta(minutes=minute)) for n, minute in enumerate(minutes)))
    if rolled_up:
        clock.now = DAY + timedelta(days=3)
        await roll_up_usage(services)
    found = await ask(api, interval=interval)

    assert [(one["start_time"] - START, one["input_tokens"]) for one in found] == expected


async def test_both_days_count(services: Services, api: httpx.AsyncClient) -> None:
    """The report of two days has two buckets."""
    await write(services, *(row(n, at=DAY + timedelta(days=n), tokens=n + 1) for n in range(3)))

    assert await tokens(api, end_date="2026-01-03") == [1, 2]


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("body", [{}, None])
async def test_what_it_needs(api: httpx.AsyncClient, name: str, body: dict[str, Any] | None) -> None:
    """All that is no filter; null is nothing."""
    asked = {key: value for key, value in ASKED.items() if key != name} | ({} if body is None else {name: None})

    assert error_of(await api.post(URL, json=asked)) == (400, "missing_required_parameter", name)


@pytest.mark.parametrize(
    ("asked", "code", "param"),
    [
        ({"depatment": "R7"}, "unknown_parameter", "depatment"),
        ({"model_ids": "m"}, "invalid_type", "model_ids"),
        ({"model_ids": [1]}, "invalid_type", "model_ids[0]"),
        ({"interval": "per_week"}, "invalid_value", "interval"),
        ({"project": 7}, "invalid_type", "project"),
        ({"start_date": 20260102}, "invalid_type", "start_date"),
        ({"start_date": "20260102"}, "invalid_value", "start_date"),
        ({"start_date": "2026-02-30"}, "invalid_value", "start_date"),
        ({"start_date": "1969-12-31"}, "invalid_value", "start_date"),
        ({"start_date": "9999-12-31", "end_date": "9999-12-31"}, "invalid_value", "start_date"),
        ({"end_date": "2026-01-01"}, "invalid_value", "end_date"),
        ({"interval": "per_minute", "end_date": "2026-01-03"}, "invalid_value", "end_date"),
        ({"interval": "per_hour", "end_date": "2026-02-02"}, "invalid_value", "end_date"),
        ({"end_date": "2027-01-03"}, "invalid_value", "end_date"),
    ],
)
async def test_what_is_refused(api: httpx.AsyncClient, asked: dict[str, Any], code: str, param: str) -> None:
    """A filter that is misspelt as well: it would show everybody's use."""
    assert error_of(await api.post(URL, json=ASKED | asked)) == (400, code, param)


async def test_the_longest_reports(api: httpx.AsyncClient) -> None:
    """One day, 31 and 366."""
    for interval, last in (("per_minute", "2026-01-02"), ("per_hour", "2026-02-01"), ("per_day", "2027-01-02")):
        assert await ask(api, interval=interval, end_date=last) == []


@pytest.mark.parametrize("day", ["1970-01-01", "9998-12-31"])
async def test_the_first_and_the_last_day(api: httpx.AsyncClient, day: str) -> None:
    """Nothing was used on them, and no time of theirs is out of range."""
    assert await ask(api, interval="per_minute", start_date=day, end_date=day) == []


async def test_whose_key_sees_what(anonymous: httpx.AsyncClient, services: Services) -> None:
    """By `api-key`: an administrator's all, a project's its own if it may; another is refused."""
    with use(with_peppers(services)) as service:
        project = await make_project(service)
        await write(service, row(tokens=1), row(1, project=project.id, tokens=2))
        seen = {}
        for who, key in {
            "bootstrap": KEY,
            "admin": (await make_key(service)).text,
            "project": (await make_key(service, project, scopes=("usage",))).text,
            "without": (await make_key(service, project, scopes=("api.files.read",))).text,
            "wrong": "no-key",
        }.items():
            answer = await anonymous.post(URL, json=ASKED, headers={"api-key": key})
            rows = answer.json().get("data", [])
            seen[who] = (answer.status_code, sorted(one["input_tokens"] for one in rows))

    assert seen == {
        "bootstrap": (200, [1, 2]),
        "admin": (200, [1, 2]),
        "project": (200, [2]),
        "without": (403, []),
        "wrong": (401, []),
    }
