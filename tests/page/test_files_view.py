"""The list of files."""

from __future__ import annotations

from pathlib import Path

import openai
from playwright.sync_api import expect

from tests.page.browser import Visitor, lines, saved
from tests.page.test_batches import make


def test_a_file_is_shown_with_what_uses_it(visitor: Visitor, client: openai.OpenAI, tmp_path: Path) -> None:
    """Size, expiry and batches; it can be downloaded."""
    make(client, "Uses a file", "a")
    visitor.sign_in()
    page = visitor.open("#/files", "Files")
    row = page.get_by_role("row").filter(has_text="Uses a file.jsonl")

    expect(row).to_contain_text("input of Uses a file")
    expect(row).to_contain_text(f"{len(lines('a'))} B")
    expect(row).not_to_contain_text("never")
    assert saved(page, "Download Uses a file.jsonl", tmp_path) == lines("a").decode()
    assert visitor.hurdles() == []


def test_a_file_is_deleted_after_a_question(visitor: Visitor, client: openai.OpenAI) -> None:
    """Which names it."""
    file = client.files.create(file=("unwanted.jsonl", lines("a")), purpose="batch")
    visitor.sign_in()
    page = visitor.open("#/files", "Files")
    page.get_by_role("button", name="Delete unwanted.jsonl").click()
    question = page.get_by_role("dialog", name="Delete unwanted.jsonl?")
    expect(question).to_contain_text(file.id)
    question.get_by_role("button", name="Delete it").click()

    expect(page.get_by_role("row").filter(has_text="unwanted.jsonl")).to_have_count(0)
    assert file.id not in {each.id for each in client.files.list()}


def test_a_batch_is_made_of_a_file(visitor: Visitor, client: openai.OpenAI) -> None:
    """The form opens with it, and says what it comes to."""
    file = client.files.create(file=("again.jsonl", lines("a", "b")), purpose="batch")
    visitor.sign_in()
    page = visitor.open("#/files", "Files")
    page.get_by_role("link", name="New batch of again.jsonl").click()

    expect(page.get_by_role("region", name="1. Requests")).to_contain_text(file.id)
    expect(page.get_by_role("button", name="Create the batch")).to_be_enabled()
