"""Signing in and out."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from bench.programs import KEY
from tests.page.browser import Visitor, at_once

REFUSED = "status of 401"


@pytest.fixture
def made_key(http: httpx.Client) -> str:
    """Of a project with a budget, and for reading only."""
    project = http.post("/v1/organization/projects", json={"name": "Translations"}).json()["id"]
    path = f"/v1/organization/projects/{project}"
    limit = {"threshold_amount": 5000, "currency": "USD", "interval": "month"}
    http.post(f"{path}/spend_limit", json=limit).raise_for_status()
    asked = {"name": "reader", "scopes": ["api.batches.read", "api.files.read"]}
    account = http.post(f"{path}/service_accounts", json=asked).raise_for_status().json()
    return str(account["api_key"]["value"])


def test_a_key_is_tried_before_anything_is_shown(visitor: Visitor) -> None:
    """A wrong one is refused in the service's words, and stands where it was typed."""
    visitor.expected = [REFUSED]
    page = visitor.page
    page.goto(visitor.url)
    page.get_by_label("API key").fill("dbk_wrong")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("Incorrect API key")
    expect(page.get_by_label("API key")).to_be_focused()


def test_a_key_shows_what_it_opens(visitor: Visitor, made_key: str) -> None:
    """Name, project, models, scopes and what is left of a budget."""
    page = visitor.sign_in(made_key)
    page.get_by_role("link", name="reader").click()

    main = page.get_by_role("main")
    for text in ("reader", "Translations", "api.batches.read", "$50.00 a month", "$50.00 left"):
        expect(main).to_contain_text(text)
    expect(page.get_by_role("region", name="Models")).to_contain_text("m")
    assert visitor.hurdles() == []


def test_a_link_is_followed_at_once(visitor: Visitor) -> None:
    """Whoever goes on in the moment in which something is shown gets there: no change of the address is missed."""
    visitor.page.add_init_script(at_once("nav", 'location.hash = "#/files"'))
    page = visitor.sign_in()

    expect(page.get_by_role("heading", level=1, name="Files")).to_be_visible()


def test_a_key_is_gone_with_the_page(visitor: Visitor) -> None:
    """It is in memory alone: nothing that outlives the page has it."""
    page = visitor.sign_in()
    stored = page.evaluate(
        "[JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href]"
    )
    page.reload()

    assert [text for text in stored if KEY in text] == []
    expect(page.get_by_role("button", name="Verify")).to_be_visible()


def test_a_key_may_be_kept_for_the_tab(visitor: Visitor) -> None:
    """Where that was asked for; signing out forgets it."""
    page = visitor.page
    page.goto(visitor.url)
    page.get_by_label("API key").fill(KEY)
    page.get_by_label("Keep it").check()
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Verify")).to_be_visible()
    page.reload()

    expect(page.get_by_role("button", name="Verify")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_whoever_leaves_is_signed_out(visitor: Visitor) -> None:
    """After fifteen minutes without a touch."""
    visitor.page.clock.install()
    page = visitor.sign_in()
    page.clock.fast_forward("16:00")

    expect(page.get_by_role("status").first).to_contain_text("15 minutes")
    expect(page.get_by_role("button", name="Verify")).to_be_visible()


def test_a_key_that_ends_leads_back_to_the_door(visitor: Visitor, made_key: str, http: httpx.Client) -> None:
    """With the service's reason."""
    visitor.expected = [REFUSED]
    page = visitor.sign_in(made_key)
    projects = http.get("/v1/organization/projects").json()["data"]
    project = next(each["id"] for each in projects if each["name"] == "Translations")
    http.post(f"/v1/organization/projects/{project}/archive").raise_for_status()
    page.evaluate("location.hash = '#/batches/batch_00000000000000000000000000000000'")

    expect(page.get_by_role("status").first).to_contain_text("not accepted any more")
    expect(page.get_by_role("button", name="Verify")).to_be_visible()


def test_a_reader_is_offered_nothing_to_write(visitor: Visitor, made_key: str) -> None:
    """Buttons for what the key's scopes do not allow are not there."""
    page = visitor.sign_in(made_key)

    expect(page.get_by_role("heading", level=1)).to_have_text("Batches")
    expect(page.get_by_role("main")).to_contain_text("No batches yet")
    expect(page.get_by_role("link", name="New batch")).to_have_count(0)


def test_an_administrator_sees_no_batches(visitor: Visitor, http: httpx.Client) -> None:
    """An administrator's key opens no project: what it opens is shown instead."""
    key = http.post("/v1/organization/admin_api_keys", json={"name": "boss"}).json()["value"]
    page = visitor.sign_in(key)

    expect(page.get_by_role("link", name="Batches", exact=True)).to_have_count(0)
    expect(page.get_by_role("main")).to_contain_text("administrator's key")
