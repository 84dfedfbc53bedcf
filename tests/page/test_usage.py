"""Usage: costs and activity, by model, key, project and day, and budgets."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.admin.rendering import parse_key_id
from bench.programs import Service
from shared.domain.keys.project import parse_project_id
from tests.page.browser import Visitor, saved
from tests.page.past import used, write_past


class Reporter(NamedTuple):
    """A key that sees the usage of the project `Reports`, and its id."""

    key: str
    id: str
    path: str


@pytest.fixture(scope="module")
def reporter(http: httpx.Client, service: Service) -> Reporter:
    """Of a project that spent $3.00 on one model and $0.50 on another, and has a budget of $10.00 a month."""
    project = http.post("/v1/organization/projects", json={"name": "Reports"}).json()["id"]
    path = f"/v1/organization/projects/{project}"
    made = http.post(f"{path}/service_accounts", json={"name": "reporter", "scopes": ["usage"]}).json()["api_key"]
    limit = {"threshold_amount": 1000, "currency": "USD", "interval": "month"}
    http.post(f"{path}/spend_limit", json=limit).raise_for_status()
    owner = (parse_project_id(project) or "", parse_key_id(made["id"]))
    past = [("old-large", 1, 1_000_000), ("old-large", 3, 500_000), ("old-small", 1, 250_000)]
    write_past(service.log.parent / "data", [used(*each, *owner) for each in past])
    return Reporter(made["value"], made["id"], path)


def rows(page: Page, name: str) -> list[str]:
    """A table's rows, with one space between cells."""
    found = page.get_by_role("table", name=name)
    expect(found).to_be_visible()
    return [" ".join(text.split()) for text in found.get_by_role("row").all_inner_texts()]


def test_costs_by_model(visitor: Visitor, reporter: Reporter) -> None:
    """The largest first, with its share; a project's key sees its project."""
    visitor.sign_in(reporter.key)
    page = visitor.open("#/usage", "Usage")

    assert rows(page, "Costs by model") == [
        "Model Cost Share",
        "old-large $3.00 86 %",
        "old-small $0.50 14 %",
        "All $3.50",
    ]
    expect(page.get_by_role("main")).to_contain_text("Reports")


def test_a_chart_tells_the_same_as_a_table(visitor: Visitor, reporter: Reporter) -> None:
    """Columns by day; what it says in words names the largest."""
    visitor.sign_in(reporter.key)
    page = visitor.open("#/usage", "Usage")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    day = f"{yesterday.day} {yesterday:%b}"
    expect(page.get_by_role("img", name=re.compile(rf"Cost a day in USD, .* most on {day}, \$2\.50"))).to_be_visible()
    page.get_by_text("The chart as a table").click()
    found = rows(page, "Cost a day in USD, as a table")

    assert found[0] == "Time (UTC) old-large old-small"
    assert len(found) == 31
    assert f"{day} $2.00 $0.50" in found


def test_an_administrator_sees_names(visitor: Visitor, reporter: Reporter) -> None:
    """Of the keys and projects of all."""
    visitor.sign_in()
    page = visitor.open("#/usage/activity?by=key&model=old-small", "Usage")
    assert rows(page, "Chat and text by key")[1] == "reporter 2,500 1 250,000 62,500 25,000"
    page.get_by_label("Grouped by").select_option("project")
    assert rows(page, "Chat and text by project")[1] == "Reports 2,500 1 250,000 62,500 25,000"

    page.get_by_role("link", name="Cost", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Cost", exact=True)).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_what_is_asked_stands_in_the_address(visitor: Visitor, reporter: Reporter, tmp_path: Path) -> None:
    """And what is shown is what is exported."""
    visitor.sign_in(reporter.key)
    page = visitor.open("#/usage", "Usage")
    page.get_by_label("Grouped by").select_option("day")
    page.get_by_label("Time").select_option("own")
    first, last = ((datetime.now(UTC) - timedelta(days=days)).date().isoformat() for days in (4, 2))
    page.get_by_label("First day").fill(first)
    page.get_by_label("Last day").fill(last)
    expect(page.get_by_role("table", name="Costs by day")).to_contain_text("$1.00")
    expect(page.get_by_role("table", name="Costs by day")).not_to_contain_text("$2")
    text = saved(page, "Export (CSV)", tmp_path)

    assert f"from={first}&to={last}" in page.url
    spent = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    assert list(csv.reader(text.removeprefix("\ufeff").splitlines())) == [
        ["day", "cost", "currency"],
        [spent, "1", "USD"],
    ]


def test_budgets_say_when_they_renew(visitor: Visitor, reporter: Reporter) -> None:
    """To the second, in local time and in UTC."""
    visitor.sign_in(reporter.key)
    budgets = visitor.open("#/usage", "Usage").get_by_role("region", name="Budgets")
    now = datetime.now(UTC)
    renews = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)

    expect(budgets).to_contain_text("$10.00 a month for this project")
    expect(budgets.get_by_role("time")).to_have_attribute("datetime", f"{renews:%Y-%m-%dT%H:%M:%S}.000Z")


def test_a_key_without_the_scope_is_told_so(visitor: Visitor, reporter: Reporter, http: httpx.Client) -> None:
    """By its name; there is no link on top."""
    asked = {"name": "files only", "scopes": ["api.files.read"]}
    made = http.post(f"{reporter.path}/service_accounts", json=asked).json()["api_key"]["value"]
    visitor.sign_in(made)
    page = visitor.open("#/usage", "Usage")

    expect(page.get_by_role("main")).to_contain_text("needs a key with the scope usage")
    expect(page.get_by_role("link", name="Usage")).to_have_count(0)
    assert visitor.hurdles() == []


def test_it_is_loaded_when_it_is_opened(visit: Callable[..., Visitor], reporter: Reporter) -> None:
    """And not before. What cannot be loaded says so, and the rest of the page goes on."""
    visitor = visit()
    visitor.expected = ["Failed to load resource"]
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.context.route("**/views/usage/usage.js", lambda route: route.abort())
    page = visitor.sign_in(reporter.key, "#/key")
    before = [url for url in asked if "/views/usage/" in url]
    page = visitor.open("#/usage", "Usage")
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    visitor.open("#/key", "Your key")
    visitor.context.unroute("**/views/usage/usage.js")
    visitor.open("#/usage", "Usage")
    page.get_by_role("button", name="Load the page again").click()
    page.get_by_label("API key").fill(reporter.key)
    page.keyboard.press("Enter")

    expect(page.get_by_role("table", name="Costs by model")).to_be_visible()
    assert before == []
