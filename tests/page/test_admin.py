"""Administration: projects, their first keys and budgets, deployments, and the audit log."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from bench.programs import Service
from tests.page.browser import Visitor

NO_LIMIT = "status of 404"  # A project without a budget is answered so.


def make_project(visitor: Visitor, name: str) -> Page:
    """Made by hand; its own place is shown then."""
    visitor.expected = [NO_LIMIT]
    visitor.sign_in()
    page = visitor.open("#/admin", "Administration")
    page.get_by_label("New project").fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.get_by_text("Reading the")).to_have_count(0)
    return page


def make_key(page: Page, name: str) -> str:
    """The text that is shown this once."""
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_role("status").filter(has_text=f"The key of {name}")).to_be_visible()
    return page.locator(".secret code").inner_text()


def test_a_key_is_made_and_shown_once(visitor: Visitor, service: Service) -> None:
    """It may what was chosen; revoking it asks by its name."""
    page = make_project(visitor, "Keys by hand")
    page.get_by_label("make batches").uncheck()
    page.get_by_label("Expires").select_option("30")
    page.get_by_role("checkbox", name="m", exact=True).check()
    key = make_key(page, "dashboard")
    assert visitor.hurdles() == []
    told = httpx.get(f"{service.url}/v1/caller", headers={"api-key": key}, timeout=30).json()
    page.get_by_role("button", name=f"Copy the key {key}").click()
    assert page.evaluate("navigator.clipboard.readText()") == key
    page.get_by_role("button", name="I have it").click()

    assert (told["name"], told["models"]) == ("dashboard", ["m"])
    assert told["scopes"] == ["api.batches.read", "api.files.read", "api.files.write", "usage"]
    expect(page.get_by_text(key)).to_have_count(0)
    row = page.get_by_role("table", name="Keys").get_by_role("row").nth(1)
    expect(row).to_contain_text(re.compile(rf"dashboard.*dbk_\.\.\.{key[-4:]}"))
    row.get_by_role("button", name="Revoke dashboard").click()
    question = page.get_by_role("dialog", name="Revoke dashboard?")
    assert visitor.hurdles() == []
    question.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_text("No key opens this project yet")).to_be_visible()
    assert httpx.get(f"{service.url}/v1/caller", headers={"api-key": key}, timeout=30).status_code == 401


def test_a_key_that_may_nothing_is_not_made(visitor: Visitor) -> None:
    """For no scopes would be all of them."""
    page = make_project(visitor, "No scopes")
    for scope in page.get_by_role("group", name="It may").get_by_role("checkbox").all():
        scope.uncheck()
    page.get_by_label("Name", exact=True).fill("nothing")
    page.get_by_role("button", name="Create the key").click()

    expect(page.get_by_role("alert")).to_contain_text("at least one thing")
    expect(page.get_by_text("No key opens this project yet")).to_be_visible()


def limit(interval: str) -> dict[str, object]:
    return {"threshold_amount": 1250, "currency": "USD", "interval": interval}


def test_a_project_is_renamed_limited_and_archived(visitor: Visitor, http: httpx.Client) -> None:
    """What cannot be taken back asks first; a budget keeps what the form does not ask for."""
    page = make_project(visitor, "To be renamed")
    page.get_by_role("button", name="Rename …").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Renamed")
    page.get_by_role("button", name="Rename", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Renamed")

    budget = page.get_by_role("region", name="Budget")
    budget.get_by_label("At most").fill("12.5")
    budget.get_by_label("Per").select_option("week")
    budget.get_by_role("button", name="Set the budget").click()
    expect(budget).to_contain_text("$12.50 a week")
    limits = {"models": {"m": limit("day")}, **limit("week"), "stops_batches": True}
    path = f"/v1/organization/projects/{page.url.rsplit('/', 1)[1]}/spend_limit"
    http.post(path, json=limits).raise_for_status()
    page.reload()
    visitor.sign_in(address=page.url.partition("/ui")[2])
    budget.get_by_label("At most").fill("20")
    budget.get_by_role("button", name="Change the budget").click()
    expect(budget).to_contain_text("$20.00 a week")
    kept = http.get(path).json()
    assert (set(kept["models"]), kept["stops_batches"]) == ({"m"}, True)
    budget.get_by_role("button", name="Take it away").click()
    expect(budget).to_contain_text("Nothing limits")

    page.get_by_role("button", name="Archive …").click()
    assert visitor.hurdles() == []
    page.get_by_role("button", name="Archive the project").click()
    expect(page.locator(".head .pill")).to_have_text("archived")
    expect(page.get_by_role("button", name="Create the key")).to_have_count(0)


def test_deployments_and_what_they_stand_on(visitor: Visitor) -> None:
    """Health, limits and price; each dependency with a sentence."""
    visitor.sign_in()
    page = visitor.open("#/admin/deployments", "Administration")
    row = page.get_by_role("table", name="Deployments").get_by_role("row").nth(1)
    for text in ("m", "ok", "4 at once", "$0.25 in, $2.00 out", "chat/completions"):
        expect(row).to_contain_text(text)
    page.get_by_role("button", name="Check it now").click()

    expect(page.locator(".checks")).to_contain_text("Blob Storage answers")
    assert visitor.hurdles() == []


def test_the_audit_log_says_who_did_what(visitor: Visitor, http: httpx.Client) -> None:
    """The newest first, and only one kind of act where that is asked for."""
    project = http.post("/v1/organization/projects", json={"name": "Audited"}).json()["id"]
    http.post(f"/v1/organization/projects/{project}", json={"name": "Audited twice"}).raise_for_status()
    visitor.sign_in()
    page = visitor.open("#/admin/audit", "Administration")
    rows = page.get_by_role("table", name="Audit log").get_by_role("row")
    expect(rows.nth(1)).to_contain_text(re.compile("bootstrap key.*project updated.*Audited twice"))
    page.get_by_label("Act").select_option("project.created")

    expect(rows.nth(1)).to_contain_text(re.compile("project created.*Audited"))
    assert "type=project.created" in page.url


@pytest.mark.parametrize("scopes", [["api.batches.read", "usage"], []])
def test_a_project_key_administers_nothing(visitor: Visitor, http: httpx.Client, scopes: list[str]) -> None:
    """Not even one that may all of its project."""
    path = "/v1/organization/projects/proj_default/service_accounts"
    key = http.post(path, json={"name": "worker", "scopes": scopes}).json()["api_key"]["value"]
    visitor.sign_in(key)
    page = visitor.open("#/admin", "Administration")

    expect(page.get_by_role("main")).to_contain_text("needs a key with the scope admin")
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
