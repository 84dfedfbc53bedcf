"""Reports of usage and costs, through the unmodified SDK: what the ledger has is what a recount of the files finds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import openai
import pytest

from bench.programs import KEY, Mock, Service, chat_line, jsonl
from tests import azurite as emulator

PRICE = {"input": 0.05, "output": 0.4}


@pytest.fixture(scope="module", params=["local", "azurite"])
def priced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mock: Mock) -> Iterator[Service]:
    """On an emulator of its own: reports count all of a day, also what other tests have used."""
    folder, options = tmp_path_factory.mktemp("priced"), []
    with ExitStack() as stack:
        if request.param == "azurite":
            request.getfixturevalue("azurite")  # It skips where there is none.
            options = ["--azurite", stack.enter_context(emulator.running(folder / "azurite.log"))]
        program = Service(folder, mock.url, *options, deployment={"price": PRICE}, BATCH_CHUNK_LINES="7")
        program.start()
        yield program
        program.stop()


@pytest.fixture(scope="module")
def batches(priced: Service) -> list[Any]:
    """One of many chunks, one of a line."""
    since = int(time.time())
    loads = ([chat_line(number, "x" * number) for number in range(30)], [chat_line(0)])
    return [since, *(priced.run(jsonl(*lines)) for lines in loads)]


def admin(service: Service) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{service.url}/v1", admin_api_key=KEY)


def recount(service: Service, *batches: Any) -> tuple[int, int, int]:
    """Requests, input tokens and output tokens of the output files."""
    used = [line["response"]["body"]["usage"] for batch in batches for line in service.lines(batch.output_file_id)]
    prompts, answers = (sum(usage[name] for usage in used) for name in ("prompt_tokens", "completion_tokens"))
    return len(used), prompts, answers


def test_usage_is_what_a_recount_finds(priced: Service, batches: list[Any]) -> None:
    """To the last token, and by model; the SDK's group_by and lists are understood."""
    since, *ended = batches
    with admin(priced) as client:
        page = client.admin.organization.usage.completions(
            start_time=since, group_by=["project_id", "model"], models=["m"], project_ids=["proj_default"]
        )
    results = [result for bucket in page.data for result in bucket.results]
    counted = [sum(counts) for counts in zip(*(_counts(result) for result in results), strict=True)]

    assert tuple(counted) == recount(priced, *ended)
    assert {(result.project_id, result.model, result.api_key_id) for result in results} == {("proj_default", "m", None)}
    assert {result.object for result in results} == {"organization.usage.completions.result"}


def test_a_report_between_dates(priced: Service, batches: list[Any]) -> None:
    """Compass's call with its header: the same numbers, and what they cost (contract 9.4)."""
    since, *ended = batches
    first = datetime.fromtimestamp(since, UTC).date()
    days = {"start_date": first.isoformat(), "end_date": (first + timedelta(days=1)).isoformat()}
    body = {"model_ids": ["m"], "interval": "per_hour", "project": "proj_default", **days}
    answer = httpx.post(f"{priced.url}/logs/v1/admin/usage_reports", json=body, headers={"api-key": KEY}, timeout=60)
    rows = answer.json()["data"]
    names = ("num_model_requests", "input_tokens", "output_tokens")
    costs = sum(Decimal(repr(cost["value"])) for row in rows for cost in row["costs"])

    assert tuple(sum(row[name] for row in rows) for name in names) == recount(priced, *ended)
    assert costs == sum(Decimal(repr(batch.cost["actual"])) for batch in ended)


def _counts(result: Any) -> tuple[int, int, int]:
    return result.num_model_requests, result.input_tokens, result.output_tokens


@pytest.mark.parametrize("width", ["1m", "1h", "1d"])
def test_pages_of_the_sdk(priced: Service, batches: list[Any], width: str) -> None:
    """Bucket by bucket, `next_page` handed back as `page`: each bucket once, nothing lost between pages."""
    since, *ended = batches
    found: list[Any] = []
    more: dict[str, str] = {}
    with admin(priced) as client:
        while True:
            page = client.admin.organization.usage.completions(
                start_time=since - 3 * 60, end_time=int(time.time()) + 1, bucket_width=width, limit=1, **more
            )
            found += page.data
            if not page.has_more:
                break
            more = {"page": page.next_page}
    starts = [bucket.start_time for bucket in found]

    assert starts == sorted(set(starts))
    results = [result for bucket in found for result in bucket.results]
    assert sum(result.num_model_requests for result in results) == recount(priced, *ended)[0]


def test_costs_are_those_of_the_tokens(priced: Service, batches: list[Any]) -> None:
    """Exactly, as a whole and by line item; each batch shows its own."""
    since, *ended = batches
    _, prompts, answers = recount(priced, *ended)
    with admin(priced) as client:
        whole = client.admin.organization.usage.costs(start_time=since, limit=180)
        items = client.admin.organization.usage.costs(start_time=since, group_by=["line_item"])
    amounts = [result.amount for bucket in whole.data for result in bucket.results]
    parts = {result.line_item: result for bucket in items.data for result in bucket.results}
    expected = (prompts * Decimal("0.05") + answers * Decimal("0.4")) / 1_000_000

    assert sum(Decimal(repr(amount.value)) for amount in amounts) == expected
    assert {amount.currency for amount in amounts} == {"usd"}
    assert sum(Decimal(repr(batch.cost["actual"])) for batch in ended) == expected
    asked = [parts[f"m, input{kind}_tokens"].quantity for kind in ("", "_cached")]
    assert (sum(asked), parts["m, output_tokens"].quantity, len(parts)) == (prompts, answers, 3)


@pytest.mark.parametrize("kind", ["embeddings", "moderations", "images"])
def test_other_reports_are_empty(priced: Service, batches: list[Any], kind: str) -> None:
    """What went to another endpoint is not theirs."""
    with admin(priced) as client:
        page = getattr(client.admin.organization.usage, kind)(start_time=batches[0])

    assert [bucket.results for bucket in page.data] == [[]] * len(page.data)
