"""Webhook endpoints of a project."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator

import httpx
import openai
import pytest
from playwright.sync_api import Browser, Page, expect

from bench.programs import KEY, Service
from tests.page.browser import Visitor, lines
from tests.webhook_receiver import Receiver, receiving


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
    page.get_by_label("and of spend alerts").check()
    page.get_by_role("button", name="Create the endpoint").click()
    expect(page.locator(".secret code")).to_contain_text("whsec_")
    assert visitor.hurdles() == []
    secret = page.locator(".secret code").inner_text()
    page.get_by_role("button", name="I have it").click()

    row = page.get_by_role("table", name="Webhook endpoints").get_by_role("row").nth(1)
    for text in ("results", "https://hooks.example/batches", "completed, failed, expired, spend alerts"):
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


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that calls addresses of this machine."""
    program = Service(
        tmp_path_factory.mktemp("service"),
        "http://127.0.0.1:9",
        BATCH_WEBHOOK_ALLOW_HTTP="true",
        BATCH_WEBHOOK_ALLOW_PRIVATE="true",
    )
    program.start()
    yield program
    program.stop()


def signatures(headers: dict[str, str], body: bytes, secrets: list[str]) -> list[bool]:
    """Whether the call is signed with each of these."""
    said = {name.lower(): value for name, value in headers.items()}
    text = f"{said['webhook-id']}.{said['webhook-timestamp']}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    made = [base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode() for key in keys]
    return [f"v1,{each}" in said["webhook-signature"].split() for each in made]


def test_an_endpoint_is_tested_changed_and_given_another_secret(browser: Browser, calling: Service) -> None:
    """A refused test says what that means; for a day calls are signed with the old secret as well."""
    visitor = Visitor(browser, calling.url)
    with receiving() as receiver:
        page, first = make_endpoint(visitor, receiver)
        row = page.get_by_role("table", name="Webhook endpoints").get_by_role("row").nth(1)
        row.get_by_role("button", name="Send results a test").click()
        expect(page.get_by_role("status").last).to_have_text("results answered HTTP 204.")
        receiver.statuses.append(500)
        row.get_by_role("button", name="Send results a test").click()
        expect(page.get_by_role("status").last).to_contain_text("HTTP 500: real events are sent again")

        row.get_by_role("button", name="Change results").click()
        question = page.get_by_role("dialog", name="Change results")
        question.get_by_label("expired").uncheck()
        found = visitor.hurdles()
        question.get_by_role("button", name="Change it").click()
        expect(row).to_contain_text("completed, failed, cancelled")

        row.get_by_role("button", name="New secret for results").click()
        found += visitor.hurdles()
        page.get_by_role("button", name="Make a new secret").click()
        expect(page.locator(".secret code")).not_to_have_text(first)
        second = page.locator(".secret code").inner_text()
        row.get_by_role("button", name="Send results a test").click()
        headers, body = receiver.wait(3)[2]
    complaints = visitor.complaints()
    visitor.context.close()

    assert signatures(headers, body, [first, second]) == [True, True]
    assert (found, complaints) == ([], [])


def make_endpoint(visitor: Visitor, receiver: Receiver) -> tuple[Page, str]:
    """Called `results`, for all events; with its secret."""
    visitor.sign_in()
    page = visitor.open("#/webhooks", "Webhooks")
    page.get_by_label("Name").fill("results")
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_role("button", name="Create the endpoint").click()
    secret = page.locator(".secret code").inner_text()
    page.get_by_role("button", name="I have it").click()
    return page, secret


def test_a_batch_says_who_was_told_of_its_end(browser: Browser, calling: Service) -> None:
    """How often that failed, and in the end that it arrived."""
    visitor = Visitor(browser, calling.url)
    with receiving() as receiver, openai.OpenAI(base_url=f"{calling.url}/v1", api_key=KEY, timeout=60) as client:
        receiver.statuses.append(503)
        file = client.files.create(file=("wrong.jsonl", lines("a", model="gone")), purpose="batch")
        batch = client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            extra_body={"callback_url": receiver.url},
        )
        receiver.wait(1)
        visitor.sign_in()
        page = visitor.open(f"#/batches/{batch.id}", "Batch")
        told = page.get_by_role("region", name="Who was told").get_by_role("listitem").filter(has_text=receiver.url)
        expect(told).to_contain_text("1 attempt failed. The receiver answered HTTP 503.")
        found = visitor.hurdles()
        receiver.wait(2)
        expect(told.locator(".pill")).to_have_text("told")
    complaints = visitor.complaints()
    visitor.context.close()

    assert (found, complaints) == ([], [])
