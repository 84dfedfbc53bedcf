"""The list of batches."""

from __future__ import annotations

import re
import time

import httpx
import openai
import pytest
from playwright.sync_api import Page, expect

from bench.programs import ENDED
from tests.page.browser import Visitor, lines

FAILS = "[[status=400]]"


def make(client: openai.OpenAI, name: str, *prompts: str, wait: bool = True, **metadata: str) -> openai.types.Batch:
    """A batch of these prompts, called `name`; with `wait`, once it has ended."""
    file = client.files.create(file=(f"{name}.jsonl", lines(*prompts)), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"description": name, **metadata},
    )
    until = time.monotonic() + 60
    while wait and batch.status not in ENDED and time.monotonic() < until:
        time.sleep(0.1)
        batch = client.batches.retrieve(batch.id)
    return batch


def row(page: Page, name: str):
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_a_row_says_all_of_a_batch(visitor: Visitor, client: openai.OpenAI) -> None:
    """Name, state, model, endpoint, counts, tokens, cost, metadata; the id is copied whole."""
    batch = make(client, "Whole row", "a", "b", team="red")
    page = visitor.sign_in()
    found = row(page, "Whole row")

    for text in ("Completed", "m", "chat/completions", "2/2", "$0.000", "team: red"):
        expect(found).to_contain_text(text)
    expect(found.locator("[data-of=tokens]")).to_have_text("6")
    found.get_by_role("button", name="Copy the batch id").click()
    expect(page.get_by_role("status").last).to_contain_text(f"Copied {batch.id}")
    assert page.evaluate("navigator.clipboard.readText()") == batch.id


def test_a_state_does_not_lie(visitor: Visitor, client: openai.OpenAI) -> None:
    """`completed` with failures is not green."""
    make(client, "Some failed", "a", f"b {FAILS}", "c")
    make(client, "None succeeded", f"a {FAILS}")
    page = visitor.sign_in()

    expect(row(page, "Some failed").locator(".pill.warn")).to_have_text("2/3 succeeded")
    expect(row(page, "Some failed")).to_contain_text("1 failed")
    expect(row(page, "None succeeded").locator(".pill.bad")).to_have_text("All failed")


def test_a_running_batch_is_live_and_first(visitor: Visitor, client: openai.OpenAI) -> None:
    """It stands above newer ones that have ended, and moves without a touch."""
    running = make(client, "Still running", *[f"{n} [[latency=600]]" for n in range(60)], wait=False)
    make(client, "Newer", "a")
    page = visitor.sign_in()

    expect(page.get_by_role("row").nth(1)).to_contain_text("Still running")
    expect(row(page, "Still running").locator(".pill.busy")).to_have_text(re.compile("Running|Queued"))
    before = row(page, "Still running").locator(".counts").inner_text()
    expect(row(page, "Still running").locator(".counts")).not_to_have_text(before)
    expect(row(page, "Still running")).to_contain_text(re.compile(r"left"))
    client.batches.cancel(running.id)
    expect(row(page, "Still running")).to_contain_text("Cancelled")


def test_why_a_batch_waits_stands_in_its_row(visitor: Visitor, client: openai.OpenAI) -> None:
    """In the service's sentence, and when it tries again."""
    waiting = make(client, "Refused key", *[f"{n} [[status=401]]" for n in range(40)], wait=False)
    page = visitor.sign_in()

    expect(row(page, "Refused key")).to_contain_text("credential")
    expect(row(page, "Refused key").locator(".pill.warn")).to_have_text("Waiting")
    client.batches.cancel(waiting.id)


def test_filters_narrow_the_list(visitor: Visitor, client: openai.OpenAI) -> None:
    """By state and by metadata, at the service; they stand in the address."""
    make(client, "Blue one", "a", team="blue")
    make(client, "Green one", "a", team="green")
    page = visitor.sign_in()
    page.get_by_label("Metadata").fill("team=blue")
    page.get_by_label("Metadata").press("Enter")
    expect(row(page, "Green one")).to_have_count(0)
    expect(row(page, "Blue one")).to_be_visible()
    page.get_by_label("Status").select_option("failed")

    expect(page.get_by_role("heading", name="No batch fits")).to_be_visible()
    assert "status=failed" in page.url
    assert "metadata=team" in page.url
    page.get_by_role("button", name="Take the filters away").click()
    expect(row(page, "Green one")).to_be_visible()


def test_a_model_is_asked_of_the_service(visitor: Visitor, client: openai.OpenAI) -> None:
    """So that a page is full of what was asked for, however much else there is."""
    make(client, "Of the model", "a")
    page = visitor.sign_in()
    with page.expect_request(lambda request: "model=m" in request.url):
        page.get_by_label("Model").select_option("m")

    expect(row(page, "Of the model")).to_be_visible()
    assert "model=m" in page.url


def test_what_is_active_is_asked_for_at_once(visitor: Visitor, client: openai.OpenAI) -> None:
    """One search for all states that are active: each reads every batch of the project."""
    make(client, "Any", "a")
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    page = visitor.sign_in()
    expect(row(page, "Any")).to_be_visible()

    assert len([url for url in asked if "/v1/batches?" in url and "status=" in url]) == 1


def test_a_heading_turns_the_order(visitor: Visitor, crowd: str) -> None:
    """By the keyboard too, and said to those who do not see an arrow; a list that is turned begins at its first page."""
    page = visitor.sign_in(crowd)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("on page 2")).to_be_visible()
    page.get_by_role("button", name="Created").press("Enter")

    expect(page.get_by_text("100 batches on page 1")).to_be_visible()
    expect(page.get_by_role("row").nth(1)).to_contain_text("No 0")
    expect(page.get_by_role("columnheader", name="Created")).to_have_attribute("aria-sort", "ascending")
    expect(page.get_by_role("button", name="Created")).to_be_focused()
    page.evaluate("location.hash = '#/batches'")
    expect(page.get_by_role("row").nth(1)).to_contain_text("No 119")


def test_an_address_of_another_list_begins_at_its_first_page(visitor: Visitor, crowd: str) -> None:
    """Also when it was not chosen here: a link, the way back."""
    page = visitor.sign_in(crowd)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("20 batches on page 2")).to_be_visible()
    page.evaluate("location.hash = '#/batches?status=failed'")

    expect(page.get_by_text("100 batches on page 1")).to_be_visible()


def test_a_batch_is_found_by_its_id(visitor: Visitor, client: openai.OpenAI) -> None:
    """Typed or pasted."""
    batch = make(client, "By its id", "a")
    page = visitor.sign_in()
    page.get_by_role("textbox", name="Batch id").fill(batch.id)
    page.get_by_role("textbox", name="Batch id").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("By its id")


@pytest.fixture(scope="module")
def crowd(http: httpx.Client, client: openai.OpenAI) -> str:
    """The key of a project with 120 batches, each of which fails at once: their file is not there."""
    project = http.post("/v1/organization/projects", json={"name": "Crowd"}).json()["id"]
    account = http.post(f"/v1/organization/projects/{project}/service_accounts", json={"name": "many"}).json()
    key = str(account["api_key"]["value"])
    body = {"input_file_id": "file-missing", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    with httpx.Client(base_url=str(http.base_url), headers={"api-key": key}, timeout=60) as many:
        for number in range(120):
            many.post("/v1/batches", json=body | {"metadata": {"name": f"No {number}"}}).raise_for_status()
    return key


def test_more_than_a_hundred_are_paged(visitor: Visitor, crowd: str) -> None:
    """By the service's cursor, forward and back."""
    page = visitor.sign_in(crowd)
    expect(page.get_by_role("link", name="No 119", exact=True)).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("link", name="No 0", exact=True)).to_be_visible()
    expect(page.get_by_text("20 batches on page 2")).to_be_visible()
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    page.get_by_role("button", name="Back").click()

    expect(page.get_by_role("link", name="No 119", exact=True)).to_be_visible()


def test_a_hidden_tab_asks_nothing(visitor: Visitor, client: openai.OpenAI) -> None:
    """Whoever does not look costs nothing; coming back, the list is new at once."""
    running = make(client, "Unseen", *[f"{n} [[latency=900]]" for n in range(80)], wait=False)
    page = visitor.sign_in()
    expect(row(page, "Unseen")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.wait_for_timeout(1000)
    asked.clear()
    page.wait_for_timeout(6000)
    unseen = list(asked)
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(1500)
    client.batches.cancel(running.id)

    assert (unseen, bool(asked)) == ([], True)
