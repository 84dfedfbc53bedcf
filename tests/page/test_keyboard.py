"""By keys alone: in every place, all that can be used is reached by Tab, in the order in which it is read, and is seen to be."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from playwright.sync_api import Page, expect

from tests.page.browser import Visitor
from tests.page.test_batches import FAILS, make
from tests.page.test_everyone import PLACES

MOST_STEPS = 500
# What can be used, in the order of the document; of radio buttons with one name the browser stops at one.
_USABLE = """() => {
    const all = [...document.querySelectorAll(
        "a[href], button:enabled, input:enabled, select:enabled, textarea:enabled, summary, [tabindex='0']")];
    window.usable = all.filter(each => each.checkVisibility({visibilityProperty: true}) && !each.closest("dialog:not([open])"));
    window.usable.forEach((each, index) => { each.dataset.place = index; });
    document.body.tabIndex = -1; // Tab begins where focus was last: at the top.
    document.body.focus();
    document.body.removeAttribute("tabindex");
    return window.usable.filter(each => each.type !== "radio" || each.checked).map(each => Number(each.dataset.place));
}"""
_FOCUSED = """() => {
    const found = document.activeElement, style = getComputedStyle(found);
    const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    const box = found.getBoundingClientRect();
    return {place: found.dataset.place ?? null, isSeen, isInView: box.bottom > 0 && box.top < innerHeight,
            words: found.outerHTML.slice(0, 120)};
}"""


def walked(page: Page) -> list[dict[str, Any]]:
    """What Tab leads to, until it leaves the page."""
    found: list[dict[str, Any]] = []
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        step = page.evaluate(_FOCUSED)
        if step["words"].startswith("<body"):
            break
        if not found or found[-1]["place"] != step["place"]:
            found.append(step)
    return found


@pytest.fixture(scope="module")
def something(client: openai.OpenAI) -> str:
    """The address of a batch with answers and errors."""
    return f"#/batches/{make(client, 'For keys', 'a', f'b {FAILS}', team='keys').id}"


@pytest.mark.parametrize("place", [*PLACES, "one batch", "a narrowed list"])
def test_tab_leads_to_everything(visitor: Visitor, something: str, place: str) -> None:
    """Each once, in the order of the document, with a frame around it, inside the window; and then out of the page."""
    address, heading = {
        **PLACES,
        "one batch": (something, "For keys"),
        "a narrowed list": ("#/batches?metadata=team%3Dkeys", "Batches"),
        "batches": ("#/batches?status=cancelled", "Batches"),
    }[place]
    visitor.expected = ["status of 404"]  # What has no budget, or no list of models, is answered so.
    visitor.sign_in()
    page = visitor.open(address, heading)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("Reading the")).to_have_count(0)
    usable = page.evaluate(_USABLE)
    steps = walked(page)
    reached = [int(step["place"]) for step in steps if step["place"] is not None]

    assert sorted(reached) == reached
    assert set(usable) - set(reached) == set()
    assert [step["words"] for step in steps if not (step["isSeen"] and step["isInView"])] == []


def test_a_dialog_holds_the_keys_and_gives_them_back(visitor: Visitor, something: str) -> None:
    """Tab stays inside, Escape leads back to the button that asked."""
    visitor.sign_in()
    page = visitor.open(something, "For keys")
    page.get_by_role("button", name="Delete …").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        )
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Delete …")).to_be_focused()
    expect(dialog).to_have_count(0)


def test_what_changes_by_itself_is_read_out(visitor: Visitor, something: str) -> None:
    """Counts of a list, results that were narrowed, and what was done are in live regions; headings have one first level."""
    visitor.sign_in()
    page = visitor.open(something, "For keys")
    expect(page.get_by_role("table", name="Results")).to_be_visible()
    live = page.locator("[role=status], [role=alert], [aria-live]")

    expect(live.filter(has_text="Lines 1 to")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.locator(".toasts[role=status]")).to_have_count(1)
