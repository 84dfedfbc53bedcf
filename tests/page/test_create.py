"""Making a batch: from a file or a table on the person's disk, or from a file that is at the service."""

from __future__ import annotations

import json
import re

import httpx
import openai
import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.page.browser import Visitor, lines
from tests.page.test_batches import FAILS

DROP = """([text, name]) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name));
    return data;
}"""
TABLE = 'review;stars\n"Good; very\nnice";5\n=cmd();1\n'


def payload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def open_form(visitor: Visitor) -> Page:
    visitor.sign_in()
    return visitor.open("#/create", "New batch")


def test_a_file_is_dropped_checked_and_sent(visitor: Visitor) -> None:
    """From the drop to a batch that has completed; what it comes to is told before anything is spent."""
    page = open_form(visitor)
    data = page.evaluate_handle(DROP, [lines("a", "b", "c").decode(), "Three letters.jsonl"])
    zone = page.locator(".drop")
    zone.dispatch_event("dragover", {"dataTransfer": data})
    expect(page.get_by_text("Let go to take the file.")).to_be_visible()
    zone.dispatch_event("drop", {"dataTransfer": data})
    expect(page.get_by_text("All 3 lines look right.")).to_be_visible()
    page.get_by_role("button", name="Upload Three letters.jsonl").click()

    verdict = page.get_by_role("region", name="3. What it comes to")
    for text in ("Requests3", "Modelm", "counted", "Cost"):
        expect(verdict).to_contain_text(re.compile(text if text != "counted" else "counted|estimated"))
    expect(page.get_by_label("Name")).to_have_value("Three letters")
    assert visitor.hurdles() == []
    page.get_by_label("Metadata").fill("team=red\nrun=7")
    page.get_by_label("Results stay").select_option("7")
    page.get_by_label("Priority").select_option("high")
    page.get_by_role("button", name="Create the batch").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Three letters")
    expect(page.locator(".head .pill")).to_have_text("Completed")
    for text in ("team", "red", "high"):
        expect(page.get_by_role("region", name="Overview")).to_contain_text(text)


def test_a_table_becomes_requests(visitor: Visitor, client: openai.OpenAI) -> None:
    """A cell may hold quotes, separators and line ends; the preview shows what is sent."""
    page = open_form(visitor)
    page.get_by_label("Drop a file here").set_input_files(payload("reviews.csv", TABLE.encode()))
    expect(page.get_by_text("2 rows.")).to_be_visible()
    page.get_by_label("Prompt of each row").fill("Is {{reveiw}} good?")
    expect(page.get_by_text("There is no column reveiw.")).to_be_visible()
    expect(page.get_by_role("button", name="Upload 2 requests")).to_be_disabled()
    page.get_by_label("Prompt of each row").fill("Is {{review}} good?")
    page.get_by_label("Instructions for all rows").fill("One word.")
    expect(page.get_by_label("Request 1")).to_have_text("Is Good; very\nnice good?")
    page.get_by_label("Rows are called by").select_option("stars")
    assert visitor.hurdles() == []
    page.get_by_role("button", name="Upload 2 requests").click()
    page.get_by_role("button", name="Create the batch").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("reviews")
    expect(page.locator(".head .pill")).to_have_text("Completed")

    batch = client.batches.retrieve(page.url.rsplit("/", 1)[1])
    sent = [json.loads(line) for line in client.files.content(batch.input_file_id).text.splitlines()]
    assert [each["custom_id"] for each in sent] == ["5", "1"]
    assert sent[1]["body"] == {
        "model": "m",
        "messages": [{"role": "system", "content": "One word."}, {"role": "user", "content": "Is =cmd() good?"}],
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b'[{"custom_id": "a"}]', "JSON array"),
        (b"custom_id,prompt\n1,2\n", "Line 1 This is not a JSON object"),
        (lines("a") + lines("b"), "Line 2 custom_id request-1 is that of line 1, too."),
        (lines("a", model="gpt-nope"), "model gpt-nope is none that your key may use: m."),
        (b'{"custom_id": "a", "model": "m"}\n', "wrap the request"),
        (b"", "The file is empty."),
    ],
    ids=["gzip", "utf-16", "array", "table", "repeated", "model", "bare", "empty"],
)
def test_the_first_lines_are_looked_at(visitor: Visitor, content: bytes, said: str) -> None:
    """Before anything is sent, by line, with what to do."""
    page = open_form(visitor)
    page.get_by_label("Drop a file here").set_input_files(payload("input.jsonl", content))

    expect(page.get_by_role("alert")).to_contain_text(said)


def test_the_service_reads_all_of_it(visitor: Visitor) -> None:
    """What is wrong far on in the file is told by line, and nothing can be created."""
    page = open_form(visitor)
    wrong = lines(*map(str, range(400))) + lines("twice")
    page.get_by_label("Drop a file here").set_input_files(payload("long.jsonl", wrong))
    expect(page.get_by_text("look right")).to_be_visible()
    page.get_by_role("button", name="Upload long.jsonl").click()

    expect(page.get_by_role("alert")).to_contain_text("Line 401")
    expect(page.get_by_role("button", name="Create the batch")).to_be_disabled()


def test_a_file_that_is_here_is_attached(visitor: Visitor, client: openai.OpenAI) -> None:
    """By its id; the same by API is shown with what was chosen."""
    file = client.files.create(file=("here.jsonl", lines("a")), purpose="batch")
    page = open_form(visitor)
    page.get_by_label("by its id").fill(file.id)
    page.get_by_role("button", name="Attach").click()
    page.get_by_label("Completion window").fill("7d")
    page.get_by_label("Completion window").press("Tab")
    page.get_by_text("The same by API").click()
    expect(page.get_by_label("Code")).to_contain_text(f'"input_file_id":"{file.id}"')
    expect(page.get_by_label("Code")).to_contain_text('"completion_window":"7d"')
    page.get_by_role("button", name="Create the batch").click()

    expect(page.locator(".head .pill")).to_have_text("Completed")


def test_a_window_that_is_not_offered(visitor: Visitor, client: openai.OpenAI) -> None:
    """In the service's words, which name those that are."""
    visitor.expected = ["status of 400"]
    file = client.files.create(file=("here.jsonl", lines("a")), purpose="batch")
    page = open_form(visitor)
    page.get_by_label("by its id").fill(file.id)
    page.get_by_label("by its id").press("Enter")
    page.get_by_label("Completion window").fill("1h")
    page.get_by_label("Completion window").press("Tab")

    expect(page.get_by_role("alert")).to_contain_text("24h")
    expect(page.get_by_role("button", name="Create the batch")).to_be_disabled()


def test_an_upload_goes_on_where_it_broke_off(visitor: Visitor, client: openai.OpenAI) -> None:
    """In parts of 4 MiB: those that have arrived are not sent again."""
    visitor.expected = ["ERR_INTERNET_DISCONNECTED", "ERR_FAILED"]
    content = lines(*[f"{number} " + "x" * 9000 for number in range(1200)])
    page = open_form(visitor)
    parts: list[str] = []

    def cut_the_second(route) -> None:
        parts.append(route.request.url)
        if len(parts) == 2:
            route.abort("internetdisconnected")
        else:
            route.continue_()

    page.route("**/parts", cut_the_second)
    page.get_by_label("Drop a file here").set_input_files(payload("large.jsonl", content))
    page.get_by_role("button", name="Upload large.jsonl").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(page.get_by_text("4.2 MB of 11 MB")).to_be_visible()
    page.get_by_role("button", name="Go on from 4.2 MB").click()
    expect(page.get_by_role("region", name="3. What it comes to")).to_contain_text("1,200")

    assert len(parts) == 4
    shown = page.locator(".chosen code").inner_text()
    assert client.files.retrieve(shown).bytes == len(content)


def test_an_upload_is_cancelled(visitor: Visitor, http: httpx.Client) -> None:
    """At the service as well: its parts are removed there."""
    page = open_form(visitor)
    page.route("**/parts", lambda _route: None)
    with page.expect_response("**/v1/uploads") as made:
        page.get_by_label("Drop a file here").set_input_files(payload("stop.jsonl", lines("a")))
        page.get_by_role("button", name="Upload stop.jsonl").click()
    upload = made.value.json()["id"]
    with page.expect_response("**/cancel"):
        page.get_by_role("button", name="Cancel the upload").click()

    expect(page.get_by_role("button", name="Upload stop.jsonl")).to_be_visible()
    assert http.get(f"/v1/uploads/{upload}").json()["status"] == "cancelled"


def test_a_failing_line_is_no_reason_not_to_run(visitor: Visitor) -> None:
    """What an upstream refuses is known only by asking it."""
    page = open_form(visitor)
    page.get_by_label("Drop a file here").set_input_files(payload("mixed.jsonl", lines("a", f"b {FAILS}")))
    page.get_by_role("button", name="Upload mixed.jsonl").click()
    page.get_by_role("button", name="Create the batch").click()

    expect(page.locator(".head .pill")).to_have_text("1/2 succeeded")
