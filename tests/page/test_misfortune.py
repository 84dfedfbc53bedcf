"""What goes wrong for people: the connection, the money."""

from __future__ import annotations

import re
import time

import httpx
import openai
from playwright.sync_api import expect

from bench.programs import KEY
from tests.page.browser import Visitor, lines
from tests.page.test_batches import make, row
from tests.starved import stretched


def test_a_lost_connection_is_said_and_survived(visitor: Visitor, client: openai.OpenAI) -> None:
    """What was there stays; once the service can be reached the page goes on by itself."""
    visitor.expected = ["ERR_INTERNET_DISCONNECTED"]
    running = make(client, "Through the night", *[f"{n} [[latency=700]]" for n in range(90)], wait=False)
    page = visitor.sign_in()
    expect(row(page, "Through the night")).to_be_visible()
    visitor.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    expect(row(page, "Through the night")).to_be_visible()
    before = row(page, "Through the night").locator(".counts").inner_text()
    visitor.context.set_offline(False)

    expect(page.get_by_role("alert")).to_have_count(0)
    expect(row(page, "Through the night").locator(".counts")).not_to_have_text(before)
    client.batches.cancel(running.id)


def test_a_key_that_expires_leads_back_to_where_one_was(visitor: Visitor, http: httpx.Client) -> None:
    """The door says why; with another key one is in the same place, and nothing of the first is left."""
    visitor.expected = ["status of 401"]
    project = http.post("/v1/organization/projects", json={"name": "Short"}).json()["id"]
    path = f"/v1/organization/projects/{project}/service_accounts"
    lasts = stretched(6)
    made = http.post(path, json={"name": "short", "expires_in_seconds": round(lasts)}).raise_for_status().json()
    key, ends_at = made["api_key"]["value"], time.monotonic() + round(lasts) + 1
    page = visitor.sign_in(key)
    visitor.open("#/files?purpose=batch", "Files")
    page.wait_for_timeout(max(0, ends_at - time.monotonic()) * 1000)
    page.get_by_role("link", name="New batch").click()

    expect(page.get_by_role("status").first).to_contain_text("not accepted any more")
    expect(page.get_by_label("API key")).to_be_focused()
    page.get_by_label("API key").fill(KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("New batch")


def test_a_reached_budget_refuses_in_words(visitor: Visitor, http: httpx.Client) -> None:
    """Before anything is spent, with the limit; the key's page says when it renews."""
    project = http.post("/v1/organization/projects", json={"name": "Thrifty"}).json()["id"]
    path = f"/v1/organization/projects/{project}"
    limit = {"threshold_amount": 1, "currency": "USD", "interval": "month"}
    http.post(f"{path}/spend_limit", json=limit).raise_for_status()
    key = http.post(f"{path}/service_accounts", json={"name": "saver"}).json()["api_key"]["value"]
    with openai.OpenAI(base_url=f"{visitor.url}/v1", api_key=key, timeout=60) as spender:
        make(spender, "Spends it all", *["dear " * 2000 for _ in range(4)])
    visitor.expected = ["status of 429"]
    page = visitor.sign_in(key)
    visitor.open("#/create", "New batch")
    chosen = {"name": "more.jsonl", "mimeType": "application/jsonl", "buffer": lines("a")}
    page.get_by_label("Drop a file here").set_input_files(chosen)
    page.get_by_role("button", name="Upload more.jsonl").click()
    page.get_by_role("button", name="Create the batch").click()

    expect(page.get_by_role("alert")).to_contain_text(re.compile("limit", re.IGNORECASE))
    page.get_by_role("link", name="saver").click()
    expect(page.get_by_role("region", name="Budgets")).to_contain_text(re.compile(r"\$0.01 a month.*Renews", re.DOTALL))
