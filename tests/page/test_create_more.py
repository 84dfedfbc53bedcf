"""What else a new batch may have: pasted requests, an order, an address that is told of its end."""

from __future__ import annotations

import json
import re

import openai
import pytest
from playwright.sync_api import Page, expect

from tests.page.browser import Visitor, lines
from tests.page.test_create import open_form


def created(page: Page, client: openai.OpenAI) -> openai.types.Batch:
    """By the form's last button; once it has ended."""
    page.get_by_role("button", name="Create the batch").click()
    expect(page.locator(".head .pill")).to_have_text("Completed")
    return client.batches.retrieve(page.url.rsplit("/", 1)[1])


def sent(client: openai.OpenAI, batch: openai.types.Batch) -> list[dict[str, object]]:
    return [json.loads(line) for line in client.files.content(batch.input_file_id).text.splitlines()]


def test_pasted_prompts_become_requests(visitor: Visitor, client: openai.OpenAI) -> None:
    """One a line, by the same template as the rows of a table."""
    page = open_form(visitor)
    page.get_by_label("Or paste prompts").fill("Why is the sky blue?\n\nWhat is a batch?\n")
    page.get_by_role("button", name="Take these").click()
    expect(page.get_by_text("2 rows.")).to_be_visible()
    assert visitor.hurdles() == []
    page.get_by_role("button", name="Upload 2 requests").click()
    batch = created(page, client)

    questions = [each["body"]["messages"][0]["content"] for each in sent(client, batch)]  # type: ignore[index]
    assert questions == ["Why is the sky blue?", "What is a batch?"]


BODY = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps({"custom_id": each, "body": BODY}) for each in "ab"),
        json.dumps([{"custom_id": each, "params": BODY} for each in "ab"], indent=2),
        lines("Hello", "Hello").decode().replace("request-1", "a").replace("request-2", "b"),
    ],
    ids=["lines", "array", "whole lines"],
)
def test_pasted_requests_are_made_whole(visitor: Visitor, client: openai.OpenAI, text: str) -> None:
    """Method, endpoint and an only model need not be said; what is said is kept."""
    page = open_form(visitor)
    page.get_by_label("Or paste prompts").fill(text)
    page.get_by_role("button", name="Take these").click()
    expect(page.get_by_text("All 2 lines look right.")).to_be_visible()
    page.get_by_role("button", name="Upload Pasted requests.jsonl").click()
    batch = created(page, client)

    common = {"method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", **BODY}}
    assert sent(client, batch) == [{"custom_id": each, **common} for each in "ab"]


def test_a_pasted_line_that_is_no_request_is_named(visitor: Visitor) -> None:
    """And one may begin anew."""
    page = open_form(visitor)
    page.get_by_label("Or paste prompts").fill(f"{json.dumps(BODY)}\n{{broken")
    page.get_by_role("button", name="Take these").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 2 This is not a JSON object")
    page.get_by_role("button", name="Begin with something else").click()

    expect(page.get_by_label("Or paste prompts")).to_be_visible()


def test_an_address_is_called_at_the_end(visitor: Visitor, client: openai.OpenAI) -> None:
    """Refused in the service's words before anything is spent; its secret is made here and shown nowhere else."""
    visitor.expected = ["status of 400"]
    file = client.files.create(file=("here.jsonl", lines("a")), purpose="batch")
    page = open_form(visitor)
    page.get_by_label("by its id").fill(file.id)
    page.get_by_role("button", name="Attach").click()
    page.get_by_label("Call an address").fill("http://mine.example/hook")
    page.get_by_label("Call an address").press("Tab")
    expect(page.get_by_role("alert")).to_contain_text("callback_url")
    expect(page.get_by_role("button", name="Create the batch")).to_be_disabled()
    page.get_by_label("Call an address").fill("https://mine.example/hook")
    page.get_by_role("button", name="Make one").click()
    secret = page.get_by_label("Secret that signs").input_value()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    page.get_by_label("Order of sending").select_option("file")
    page.get_by_text("The same by API").click()
    expect(page.get_by_label("Code")).to_contain_text('"callback_url":"https://mine.example/hook"')
    expect(page.get_by_label("Code")).not_to_contain_text(secret)
    assert visitor.hurdles() == []
    batch = created(page, client).to_dict()

    assert (batch["callback_url"], batch["leaders_first"]) == ("https://mine.example/hook", False)
    overview = page.get_by_role("region", name="Overview")
    expect(overview).to_contain_text("https://mine.example/hook")
    expect(overview).to_contain_text("as in the file")
