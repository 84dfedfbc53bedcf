"""Ten thousand batches in a list, fifty thousand lines in a batch. The page neither grows nor stops for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import openai
import pytest
from playwright.sync_api import Browser, Page, expect

from bench.programs import KEY, Mock, Service
from local_host.stores.stores import open_stores
from shared.domain.batches.batch import Status
from shared.domain.keys.project import DEFAULT_PROJECT
from shared.domain.usage.usage import Usage
from tests.contracts.samples import START, a_batch
from tests.page.browser import Visitor, lines
from tests.page.stills import watched
from tests.page.test_batches import FAILS
from tests.starved import stretched

MANY = 10_000
LINES = 50_000
STILL_MS = 150  # The longest that the page may work without listening; seen: 60.
MOST_ELEMENTS = 6000


async def _fill(data: Path) -> None:
    stores = open_stores(data)
    for first in range(0, MANY, 500):
        batches = (
            a_batch(
                number,
                owner=DEFAULT_PROJECT,
                status=Status.COMPLETED,
                metadata={"name": f"Batch {number}"},
                total=40,
                completed=38 if number % 7 else 40,
                failed=2 if number % 7 else 0,
                usage=Usage(input_tokens=1200, output_tokens=4800),
                in_progress_at=START + timedelta(seconds=number),
                completed_at=START + timedelta(seconds=number + 90),
            )
            for number in range(first, first + 500)
        )
        await asyncio.gather(*map(stores.batches.insert, batches))
    await stores.close()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that has run ten thousand batches."""
    folder = tmp_path_factory.mktemp("large")
    with ThreadPoolExecutor(1) as beside:  # The browser's driver has the loop of this thread.
        beside.submit(asyncio.run, _fill(folder / "data")).result()
    mock = Mock(folder)
    mock.start()
    program = Service(folder, mock.url, BATCH_RECORD_DAYS="100000")
    program.start()
    yield program
    program.stop()
    mock.stop()


@pytest.fixture
def page(browser: Browser, large: Service) -> Iterator[Page]:
    visitor = Visitor(browser, large.url)
    yield visitor.sign_in()
    complaints = visitor.complaints()
    visitor.context.close()
    assert complaints == []


def test_ten_thousand_batches_are_a_list_like_any(page: Page, large: Service) -> None:
    """A page of a hundred at a time: as many rows as ever, and at no moment does the page stand still."""
    first = page.locator("tbody tr:first-child .what a")
    expect(first).to_have_text(f"Batch {MANY - 1}")
    with watched(page) as stills:
        for number in range(2, 7):
            page.locator(".pages button").last.click()
            expect(page.locator(".pages span")).to_have_text(f"100 batches on page {number}")
        page.locator("th .sort").click()
        expect(first).to_have_text("Batch 0")

    assert page.locator("tbody tr").count() == 100
    assert page.evaluate("document.querySelectorAll('*').length") < MOST_ELEMENTS
    assert stills.pieces
    assert stills.longest_ms < STILL_MS


@pytest.fixture(scope="module")
def long(large: Service) -> openai.types.Batch:
    """A batch of fifty thousand lines, as many as a file may have; each thousandth fails. It runs when it is asked for."""
    prompts = (f"question {n}" + (FAILS if n % 1000 == 500 else "") for n in range(LINES))
    with openai.OpenAI(base_url=f"{large.url}/v1", api_key=KEY, timeout=60) as client:
        file = client.files.create(file=("long.jsonl", lines(*prompts)), purpose="batch")
        return client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"name": "Fifty thousand lines"},
        )


def test_fifty_thousand_lines_are_looked_through(page: Page, long: openai.types.Batch) -> None:
    """Live to their end, then by search, by what failed, by line and by keys; at no moment does the page stand still."""
    results = page.locator(".results tbody")
    rows = results.locator("tr")
    with watched(page) as stills:
        page.evaluate(f"location.hash = '#/batches/{long.id}'")
        expect(results).to_contain_text("echo: question 1", timeout=stretched(60) * 1000)
        expect(page.locator(".head .pill")).to_contain_text("49,950/50,000", timeout=stretched(200) * 1000)

        search = page.locator("[role=search] input")
        search.fill("request-49876")
        search.press("Enter")
        expect(rows).to_have_count(1)
        expect(results).to_contain_text("question 49875")
        search.fill("question 4987")
        search.press("Enter")
        expect(rows).to_have_count(11, timeout=stretched(60) * 1000)
        search.fill("")
        search.press("Enter")
        page.locator(".filters button", has_text="Failed").click()
        expect(rows).to_have_count(50)
        expect(results).to_contain_text("request-49501")
        page.locator(".filters button", has_text="All").click()

        page.locator(".go input").fill("49950")
        page.locator(".go button").click()
        expect(rows.first).to_contain_text("question 49949")
        expect(rows.last).to_contain_text("question 49998")
        rows.last.locator("button").click()
        place = page.locator(".peek h3")
        page.keyboard.press("j")
        expect(place).to_have_text("request-50000")
        expect(page.locator(".peek")).to_contain_text("question 49999")
        page.keyboard.press("k")
        expect(place).to_have_text("request-49999")
        page.keyboard.press("Escape")
        expect(page.locator(".peek")).to_have_count(0)

    assert page.evaluate("document.querySelectorAll('*').length") < MOST_ELEMENTS
    assert stills.longest_ms < STILL_MS
