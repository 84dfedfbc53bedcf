"""Webhook endpoints of a project."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from tests.page.browser import Visitor


@pytest.fixture
def owner(http: httpx.Client) -> str:
    """The key of a project without batches: nothing is ever sent from it."""
    project = http.post("/v1/organization/projects", json={"name": "Hooked"}).json()["id"]
    account = http.post(f"/v1/organization/projects/{project}/service_accounts", json={"name": "hooks"}).json()
    return str(account["api_key"]["value"])


def test_an_endpoint_is_made_and_deleted(visitor: Visitor, owner: str) -> None:
    """Its secret is shown once; deleting asks by its name."""
    visitor.sign_in(owner)
    page = visitor.open("#/webhooks", "Webhooks")
    page.get_by_label("Name").fill("results")
    page.get_by_label("Address").fill("https://hooks.example/batches")
    page.get_by_label("cancelled").uncheck()
    page.get_by_role("button", name="Create the endpoint").click()
    expect(page.locator(".secret code")).to_contain_text("whsec_")
    assert visitor.hurdles() == []
    secret = page.locator(".secret code").inner_text()
    page.get_by_role("button", name="I have it").click()

    row = page.get_by_role("table", name="Webhook endpoints").get_by_role("row").nth(1)
    for text in ("results", "https://hooks.example/batches", "completed, failed, expired"):
        expect(row).to_contain_text(text)
    expect(page.get_by_text(secret)).to_have_count(0)
    row.get_by_role("button", name="Delete results").click()
    page.get_by_role("dialog", name="Delete results?").get_by_role("button", name="Delete the endpoint").click()
    expect(page.get_by_text("Nobody is told yet")).to_be_visible()


def test_a_wrong_address_is_refused_in_the_services_words(visitor: Visitor, owner: str) -> None:
    """And what was typed stays."""
    visitor.expected = ["status of 400"]
    visitor.sign_in(owner)
    page = visitor.open("#/webhooks", "Webhooks")
    page.get_by_label("Name").fill("results")
    page.get_by_label("Address").fill("ftp://hooks.example")
    page.get_by_role("button", name="Create the endpoint").click()

    expect(page.get_by_role("alert")).to_contain_text("url")
    expect(page.get_by_label("Address")).to_have_value("ftp://hooks.example")
