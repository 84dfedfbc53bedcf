"""Administration of what is there: keys that are changed and rotated, shares, limits, models, administrators."""

from __future__ import annotations

import re
import time

import httpx
from playwright.sync_api import Page, expect

from bench.programs import Service
from tests.page.browser import Visitor
from tests.page.test_admin import NO_LIMIT, make_key, make_project


def the_project(page: Page, http: httpx.Client) -> str:
    """Its path in the API."""
    return f"/v1/organization/projects/{page.url.rsplit('/', 1)[1]}"


def the_key(page: Page, http: httpx.Client, name: str) -> dict[str, object]:
    keys = http.get(f"{the_project(page, http)}/api_keys").json()["data"]
    return next(key for key in keys if key["name"] == name)


def test_a_key_is_changed(visitor: Visitor, http: httpx.Client) -> None:
    """Scopes, models, labels, priority and what it spends: as the dialog shows them, so they are."""
    page = make_project(visitor, "Changed keys")
    make_key(page, "job")
    page.get_by_role("button", name="I have it").click()
    page.get_by_role("button", name="Change job").click()
    question = page.get_by_role("dialog", name="Change job")
    question.get_by_label("make files").uncheck()
    question.get_by_label("usage and costs").uncheck()
    question.get_by_role("checkbox", name="m", exact=True).check()
    question.get_by_label("Priority").select_option("low")
    question.get_by_label("Labels").fill("app=7")
    question.get_by_label("It spends at most").fill("2.5")
    question.get_by_label("Per", exact=True).select_option("day")
    assert visitor.hurdles() == []
    question.get_by_role("button", name="Change the key").click()
    row = page.get_by_role("table", name="Keys").get_by_role("row").nth(1)
    for text in ("app: 7", "priority low", "$2.50 a day", "api.batches.write"):
        expect(row).to_contain_text(text)

    key = the_key(page, http, "job")
    assert key["scopes"] == ["api.files.read", "api.batches.read", "api.batches.write"]
    assert (key["models"], key["labels"], key["max_priority"]) == (["m"], {"app": "7"}, "low")
    page.get_by_role("button", name="Change job").click()
    question.get_by_label("make files").check()
    question.get_by_label("usage and costs").check()
    question.get_by_label("It spends at most").fill("")
    question.get_by_role("button", name="Change the key").click()
    expect(row).to_contain_text("everything")

    key = the_key(page, http, "job")
    assert (key["scopes"], key["labels"], key["spend_limit"]) == ([], {"app": "7"}, None)


def test_a_key_is_rotated(visitor: Visitor, http: httpx.Client, service: Service) -> None:
    """The new one may the same and is of the same account; both open the project until the old one ends."""
    page = make_project(visitor, "Rotated keys")
    page.get_by_label("make batches").uncheck()
    old = make_key(page, "job")
    page.get_by_role("button", name="I have it").click()
    page.get_by_role("button", name="Rotate job").click()
    question = page.get_by_role("dialog", name="Another key in place of job")
    expect(question.get_by_label("Name")).to_have_value("job 2")
    question.get_by_label("The old one goes on").select_option("3600")
    assert visitor.hurdles() == []
    question.get_by_role("button", name="Make the new key").click()
    expect(page.get_by_role("status").filter(has_text="The key of job 2")).to_be_visible()
    expect(question).to_have_count(0)
    new = page.locator(".secret code").inner_text()
    first, second = the_key(page, http, "job"), the_key(page, http, "job 2")

    told = [httpx.get(f"{service.url}/v1/caller", headers={"api-key": key}, timeout=30) for key in (old, new)]
    assert [answer.status_code for answer in told] == [200, 200]
    assert told[0].json()["scopes"] == told[1].json()["scopes"]
    assert first["owner"] == second["owner"]
    assert 3500 < float(str(first["expires_at"])) - time.time() <= 3601
    assert second["expires_at"] is None


def test_a_project_has_a_share_and_limits(visitor: Visitor, http: httpx.Client) -> None:
    """What is taken out of a field is no limit any more."""
    page = make_project(visitor, "Bounded")
    terms = page.get_by_role("region", name="Share and limits")
    terms.get_by_label("Weight").fill("3")
    terms.get_by_label("Labels").fill("department=R7\n team = red ")
    terms.get_by_label("Open batches").fill("20")
    terms.get_by_label("Bytes of its files").fill("1000000")
    terms.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").last).to_have_text("The project is changed.")
    project = http.get(the_project(page, http)).json()
    assert (project["weight"], project["labels"]) == (3, {"department": "R7", "team": "red"})
    assert project["limits"] == {
        "files": None,
        "stored_bytes": 1000000,
        "requests_per_file": None,
        "active_batches": 20,
    }
    expect(terms.get_by_label("Bytes of its files")).to_have_value("1000000")
    terms.get_by_label("Bytes of its files").fill("")
    terms.get_by_role("button", name="Save").click()
    page.wait_for_function("() => !document.querySelector('[name=stored_bytes]').value")
    expect(terms.get_by_label("Open batches")).to_have_value("20")

    assert http.get(the_project(page, http)).json()["limits"]["stored_bytes"] is None


def test_a_project_may_use_some_models(visitor: Visitor, http: httpx.Client) -> None:
    """And has so many tokens of unfinished batches there; all is taken back again."""
    page = make_project(visitor, "Some models")
    models = page.get_by_role("region", name="Models")
    models.get_by_label("It may use").select_option("deny_list")
    models.get_by_label("m", exact=True).check()
    models.get_by_label("Enqueued tokens of m").fill("5000")
    assert visitor.hurdles() == []
    models.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").last).to_have_text("It holds for batches from now on.")
    path = the_project(page, http)
    permissions = http.get(f"{path}/model_permissions").json()
    (limit,) = http.get(f"{path}/rate_limits").json()["data"]
    assert (permissions["mode"], permissions["model_ids"]) == ("deny_list", ["m"])
    assert limit["batch_1_day_max_input_tokens"] == 5000

    expect(models.get_by_label("m", exact=True)).to_be_checked()
    models.get_by_label("It may use").select_option("")
    models.get_by_label("Enqueued tokens of m").fill("")
    with page.expect_response("**/rate_limits/*"):
        models.get_by_role("button", name="Save").click()
    expect(models.get_by_label("m", exact=True)).to_have_count(0)
    expect(models.get_by_label("Enqueued tokens of m")).to_have_value("")
    (limit,) = http.get(f"{path}/rate_limits").json()["data"]
    assert (http.get(f"{path}/model_permissions").status_code, limit["batch_1_day_max_input_tokens"]) == (404, None)


def test_administrators_come_and_go(visitor: Visitor, service: Service) -> None:
    """Each with a key of his own, which is shown once."""
    visitor.expected = [NO_LIMIT]
    visitor.sign_in()
    page = visitor.open("#/admin/administrators", "Administration")
    page.get_by_label("New administrator").fill("Ada")
    page.get_by_label("Expires").select_option("90")
    page.get_by_role("button", name="Create the key").click()
    key = page.locator(".secret code").inner_text()
    told = httpx.get(f"{service.url}/v1/caller", headers={"api-key": key}, timeout=30).json()
    assert visitor.hurdles() == []
    page.get_by_role("button", name="Revoke Ada").click()
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_text("There is only the service's first key.")).to_be_visible()

    assert (told["name"], told["scopes"]) == ("Ada", ["admin", "usage"])
    assert httpx.get(f"{service.url}/v1/caller", headers={"api-key": key}, timeout=30).status_code == 401


def test_all_projects_have_a_budget_together(visitor: Visitor, http: httpx.Client) -> None:
    """It may stop what runs."""
    visitor.expected = [NO_LIMIT]
    visitor.sign_in()
    page = visitor.open("#/admin", "Administration")
    budget = page.get_by_role("region", name="Budget of all projects together")
    budget.get_by_label("At most").fill("5000")
    budget.get_by_label("Stop batches that run").check()
    budget.get_by_role("button", name="Set the budget").click()
    expect(budget).to_contain_text("$5,000.00 a month")
    expect(budget).to_contain_text("Batches that run are stopped")
    limit = http.get("/v1/organization/spend_limit").json()
    budget.get_by_role("button", name="Take it away").click()
    expect(budget).to_contain_text("Nothing limits")

    assert (limit["threshold_amount"], limit["stops_batches"]) == (500_000, True)


def test_a_model_has_a_budget_of_its_own(visitor: Visitor, http: httpx.Client) -> None:
    """Beside the project's, which stays as it is."""
    page = make_project(visitor, "Spends on models")
    budget = page.get_by_role("region", name="Budget")
    budget.get_by_label("At most", exact=True).fill("100")
    budget.get_by_label("Stop batches that run").check()
    budget.get_by_role("button", name="Set the budget").click()
    budget.get_by_label("Of it up to").fill("12.5")
    budget.get_by_label("Per").last.select_option("week")
    budget.get_by_label("on", exact=True).select_option("m")
    budget.get_by_role("button", name="Set the model's budget").click()
    expect(budget.get_by_role("list", name="Budgets of single models")).to_have_text(re.compile("12.50 a week on m"))
    assert visitor.hurdles() == []
    limit = http.get(f"{the_project(page, http)}/spend_limit").json()
    budget.get_by_role("button", name="Remove the budget of m").click()
    expect(budget.get_by_role("list", name="Budgets of single models")).to_have_count(0)
    later = http.get(f"{the_project(page, http)}/spend_limit").json()

    assert {name: limit["models"]["m"][name] for name in ("currency", "interval", "threshold_amount")} == {
        "currency": "USD",
        "interval": "week",
        "threshold_amount": 1250,
    }
    assert (limit["threshold_amount"], limit["interval"], limit["stops_batches"]) == (10_000, "month", True)
    assert (later["threshold_amount"], later["stops_batches"], later.get("models")) == (10_000, True, {})


def test_so_much_spent_is_told(visitor: Visitor, http: httpx.Client) -> None:
    """Whoever shall know is shown; it goes as it came."""
    page = make_project(visitor, "Told")
    alerts = page.get_by_role("region", name="Alerts")
    expect(alerts).to_contain_text("Webhooks of the project that ask for it are told as well.")
    alerts.get_by_label("Tell at").fill("200")
    alerts.get_by_label("Who shall know").fill("lead@example.com, ada@example.com")
    alerts.get_by_role("button", name="Add the alert").click()
    expect(alerts.get_by_role("listitem")).to_contain_text("$200.00 a month")
    expect(alerts.get_by_role("listitem")).to_contain_text("lead@example.com, ada@example.com")
    assert visitor.hurdles() == []
    (alert,) = http.get(f"{the_project(page, http)}/spend_alerts").json()["data"]
    alerts.get_by_role("button", name="Remove the alert at $200.00 a month").click()
    expect(alerts.get_by_role("listitem")).to_have_count(0)

    assert alert["threshold_amount"] == 200_00
    assert http.get(f"{the_project(page, http)}/spend_alerts").json()["data"] == []
