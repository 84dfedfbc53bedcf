"""One batch: what it came to, its results beside their requests, and what may be done with it."""

from __future__ import annotations

import json
from pathlib import Path

import openai
import pytest
from playwright.sync_api import expect

from tests.page.browser import Visitor, at_once, saved
from tests.page.test_batches import FAILS, make

PRESS_J = 'document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }))'


def test_it_tells_its_whole_life(visitor: Visitor, client: openai.OpenAI) -> None:
    """State, moments, what failed and what to do about it."""
    batch = make(client, "A whole life", "a", f"b {FAILS}", "c")
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "A whole life")
    main = page.get_by_role("main")

    for text in ("2/3 succeeded", "Created", "Running", "Finalizing", "Completed", batch.id):
        expect(main).to_contain_text(text)
    failures = page.get_by_role("region", name="What failed")
    for text in ("1", "invalid_request_error", "You asked for 400.", "First at line 2", "request-2"):
        expect(failures).to_contain_text(text)


def test_results_stand_beside_their_requests(visitor: Visitor, client: openai.OpenAI) -> None:
    """Narrowed to those that failed, searched by id and by words; J, K and Esc lead through them."""
    batch = make(client, "Beside", "apples", f"pears {FAILS}", "plums", f"figs {FAILS}")
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "Beside")
    results = page.get_by_role("table", name="Results").get_by_role("row")
    expect(results).to_have_count(5)
    expect(results.nth(1)).to_contain_text("apples")
    expect(results.nth(1)).to_contain_text("echo: apples")
    page.get_by_role("button", name="Failed (2)").click()
    expect(results).to_have_count(3)
    expect(results.nth(2)).to_contain_text("figs")

    page.get_by_role("button", name="request-2", exact=True).click()
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("heading", level=3)).to_have_text("request-2")
    expect(panel).to_contain_text("pears")
    page.keyboard.press("j")
    expect(panel.get_by_role("heading", level=3)).to_have_text("request-4")
    page.keyboard.press("k")
    expect(panel.get_by_role("heading", level=3)).to_have_text("request-2")
    assert visitor.hurdles() == []
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)

    page.get_by_role("button", name="All", exact=True).click()
    search = page.get_by_label("Search results")
    search.fill("PLUMS")
    search.press("Enter")
    expect(results).to_have_count(2)
    expect(results.nth(1)).to_contain_text("request-3")
    search.fill("request-4")
    search.press("Enter")
    expect(results.nth(1)).to_contain_text("figs")


def test_keys_lead_on_from_the_moment_a_result_is_shown(visitor: Visitor, client: openai.OpenAI) -> None:
    """J, pressed in that moment, is not lost."""
    batch = make(client, "At once", "apples", "pears")
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "At once")
    button = page.get_by_role("button", name="request-1", exact=True)
    expect(button).to_be_visible()
    page.evaluate(at_once("dialog", PRESS_J))
    button.click()

    expect(page.get_by_role("dialog").get_by_role("heading", level=3)).to_have_text("request-2")


def test_results_come_while_it_runs(visitor: Visitor, client: openai.OpenAI) -> None:
    """In the order of the input, as far as they have come; then it is cancelled, which asks by the batch's name."""
    batch = make(client, "Under way", "quick", "soon", *[f"{n} [[latency=1500]]" for n in range(200)], wait=False)
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "Under way")
    expect(page.get_by_role("table", name="Results")).to_contain_text("echo: quick")
    expect(page.get_by_text("finished in the last")).to_be_attached()

    page.get_by_role("button", name="Cancel …").click()
    question = page.get_by_role("dialog", name="Cancel Under way?")
    expect(question).to_contain_text(batch.id)
    assert visitor.hurdles() == []
    question.get_by_role("button", name="Keep it as it is").click()
    expect(question).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel …")).to_be_focused()
    assert client.batches.retrieve(batch.id).status == "in_progress"
    page.get_by_role("button", name="Cancel …").click()
    page.get_by_role("button", name="Cancel the batch").click()

    expect(page.locator(".head .pill")).to_contain_text("Cancelled")
    expect(page.get_by_role("button", name="Retry failed")).to_be_visible()


def test_results_that_come_at_the_end_are_announced(visitor: Visitor, client: openai.OpenAI) -> None:
    """Of lines that are sent side by side, nothing is in order before; by its id, one is found."""
    texts = [f"{n % 100} " * 2200 + f"Question {n}?" for n in range(400)]
    slow = [f"{text} [[latency=60000]]" for text in texts[:-1]]
    batch = make(client, "Side by side", *slow, texts[-1], wait=False)
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "Side by side")
    expect(page.get_by_text("results can be read in order when the batch has ended")).to_be_visible(timeout=60_000)
    assert visitor.hurdles() == []
    client.batches.cancel(batch.id)


def test_it_can_be_paused_and_goes_on(visitor: Visitor, client: openai.OpenAI) -> None:
    """Both by one button, which says what it would do now."""
    batch = make(client, "To be paused", *[f"{n} [[latency=900]]" for n in range(120)], wait=False)
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "To be paused")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".head .pill")).to_have_text("Paused")
    page.get_by_role("button", name="Resume").click()

    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    client.batches.cancel(batch.id)


def test_what_failed_is_retried_as_a_new_batch(visitor: Visitor, client: openai.OpenAI) -> None:
    """It is shown, and names the one that it is of."""
    batch = make(client, "To be retried", "a", f"b {FAILS}")
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "To be retried")
    page.get_by_role("button", name="Retry failed").click()

    expect(page.get_by_role("main")).to_contain_text("Retry of")
    expect(page.get_by_role("link", name=batch.id)).to_be_visible()


def test_what_failed_with_one_code_is_retried_alone(visitor: Visitor, client: openai.OpenAI) -> None:
    """The commonest first; what else failed stays as it is."""
    batch = make(client, "Two kinds", "a", f"b {FAILS}", f"c {FAILS}", "d [[status=500]]")
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "Two kinds")
    failures = page.get_by_role("region", name="What failed").get_by_role("listitem")
    expect(failures.first.get_by_role("button")).to_have_text("Retry these 2")
    assert "POST" not in failures.first.inner_text()
    assert visitor.hurdles() == []
    failures.nth(1).get_by_role("button", name="Retry this one").click()
    expect(page.get_by_role("main")).to_contain_text("Retry of")

    retry = client.batches.retrieve(page.url.rsplit("/", 1)[1])
    sent = [json.loads(line)["custom_id"] for line in client.files.content(retry.input_file_id).text.splitlines()]
    assert sent == ["request-4"]


def test_its_terms_are_changed_while_it_runs(visitor: Visitor, client: openai.OpenAI) -> None:
    """Only what is different is asked for; what is not offered is refused in the dialog, by the service's words."""
    visitor.expected = ["status of 400"]
    batch = make(client, "To be changed", *[f"{n} [[latency=900]]" for n in range(120)], wait=False)
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "To be changed")
    page.get_by_role("button", name="Change …").click()
    question = page.get_by_role("dialog", name="Change To be changed")
    question.get_by_label("Priority").select_option("high")
    question.get_by_label("Completion window").fill("1h")
    question.get_by_role("button", name="Change it").click()
    expect(question.get_by_role("alert")).to_contain_text("'24h' and '7d'")
    assert visitor.hurdles() == []
    question.get_by_label("Completion window").fill("7d")
    question.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("region", name="Overview")).to_contain_text("high")

    changed = client.batches.retrieve(batch.id)
    client.batches.cancel(batch.id)
    assert (changed.completion_window, changed.to_dict()["priority"]) == ("7d", "high")


def test_it_can_be_deleted(visitor: Visitor, client: openai.OpenAI) -> None:
    """After a question that names it; the list is shown then."""
    batch = make(client, "To be deleted", "a")
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "To be deleted")
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete it").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Batches")
    expect(page.get_by_role("link", name="To be deleted")).to_have_count(0)
    assert client.files.retrieve(batch.input_file_id).id == batch.input_file_id


def test_it_can_be_erased(visitor: Visitor, client: openai.OpenAI) -> None:
    """What is lost is said before; not even its requests are there afterwards."""
    batch = make(client, "To be erased", "a")
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "To be erased")
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("dialog").get_by_label("Every trace").check()
    expect(page.get_by_role("dialog")).to_contain_text("Nobody can bring anything back")
    assert visitor.hurdles() == []
    page.get_by_role("button", name="Delete it").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Batches")
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(batch.input_file_id)


def test_a_batch_that_failed_says_why(visitor: Visitor, client: openai.OpenAI) -> None:
    """Every problem of its file with its line."""
    batch = make(client, "Wrong file", "a")
    file = client.files.create(file=("wrong.jsonl", b'{"custom_id": "a"}\n'), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "Batch")

    expect(page.get_by_role("region", name="Why it failed")).to_contain_text("Line 1")


def test_results_are_downloaded(visitor: Visitor, client: openai.OpenAI, tmp_path: Path) -> None:
    """As they are, and as a table that no spreadsheet takes for formulas."""
    batch = make(client, "Downloads", "=1+1", f"with, comma {FAILS}")
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "Downloads")
    answers = saved(page, "Download Answers", tmp_path)
    table = saved(page, "Results as a table (CSV)", tmp_path)

    assert json.loads(answers)["custom_id"] == "request-1"
    assert table.splitlines()[0] == "\ufeffcustom_id,result,request,answer,error,input_tokens,output_tokens"
    assert "request-1,succeeded,'=1+1,echo: =1+1," in table
    assert 'request-2,invalid_request_error,"with, comma [[status=400]]",,You asked for 400.,' in table


def test_the_same_by_program(visitor: Visitor, client: openai.OpenAI) -> None:
    """As curl, Python and Node, with this service's address and without the key."""
    batch = make(client, "By program", "a")
    visitor.sign_in()
    page = visitor.open(f"#/batches/{batch.id}", "By program")
    page.get_by_text("The same by API").click()
    code = page.get_by_label("Code")

    for language, text in (
        ("curl", f"/v1/batches/{batch.id}/results"),
        ("Python", "client.batches.retrieve"),
        ("Node", "await client"),
    ):
        page.get_by_role("button", name=language, exact=True).click()
        expect(code).to_contain_text(text)
        expect(code).to_contain_text(visitor.url)
        expect(code).not_to_contain_text("test-key")


def test_a_batch_that_is_not_there(visitor: Visitor) -> None:
    """In the service's words, with the way back."""
    visitor.expected = ["status of 404"]
    visitor.sign_in()
    page = visitor.open("#/batches/batch_00000000000000000000000000000000", "Batch")

    expect(page.get_by_role("alert")).to_contain_text("No batch")
    expect(page.get_by_role("link", name="All batches")).to_be_visible()
