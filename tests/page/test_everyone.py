"""For everyone: no hurdles by axe, nothing cut off at any width, in both themes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import openai
import pytest
from playwright.sync_api import Page, expect

from bench.programs import KEY
from tests.page.browser import Visitor
from tests.page.test_batches import FAILS, make

PLACES = {
    "batches": ("#/batches", "Batches"),
    "create": ("#/create", "New batch"),
    "files": ("#/files", "Files"),
    "key": ("#/key", "Your key"),
    "costs": ("#/usage", "Usage"),
    "activity": ("#/usage/activity", "Usage"),
    "webhooks": ("#/webhooks", "Webhooks"),
    "projects": ("#/admin", "Administration"),
    "deployments": ("#/admin/deployments", "Administration"),
    "project": ("#/admin/projects/proj_default", "Default"),
    "administrators": ("#/admin/administrators", "Administration"),
    "audit log": ("#/admin/audit", "Administration"),
}


@pytest.fixture(scope="module")
def shown(client: openai.OpenAI) -> str:
    """The address of a batch that has something of everything."""
    batch = make(client, "Something of everything", "a " * 400, f"b {FAILS}", team="red")
    return f"#/batches/{batch.id}"


def walk(visitor: Visitor, shown: str) -> Iterator[Page]:
    """Every place in turn; the caller looks around at each."""
    visitor.sign_in()
    for address, heading in (*PLACES.values(), (shown, "Something of everything")):
        page = visitor.open(address, heading)
        expect(page.get_by_text("Reading the")).to_have_count(0)
        if address == shown:
            expect(page.get_by_role("table", name="Results")).to_be_visible()
        yield page


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_is_in_the_way(visit: Callable[..., Visitor], shown: str, theme: str, width: int) -> None:
    """WCAG 2.2 AA by axe, and nothing wider than the window."""
    visitor = visit(color_scheme=theme, viewport={"width": width, "height": 800})
    visitor.expected = ["status of 404"]  # What has no budget, or no list of models, is answered so.
    visitor.page.goto(visitor.url)
    found = [*visitor.hurdles()]
    cut = []
    for page in walk(visitor, shown):
        found += visitor.hurdles()
        cut += [page.url] if visitor.is_cut() else []

    assert (found, cut) == ([], [])


def test_it_is_used_by_keys_alone(visitor: Visitor, shown: str) -> None:
    """From the door to a batch without a mouse; focus goes to the heading of each new place."""
    visitor.page.goto(visitor.url)
    page = visitor.page
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type(KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    link = page.get_by_role("link", name="Something of everything").first
    link.focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page).to_have_title("Batches · Durable Batch")
