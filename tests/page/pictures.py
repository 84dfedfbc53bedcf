"""`python -m tests.page.pictures`: the pictures of the page in docs/images, taken from a live service. Look at each."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import openai
from playwright.sync_api import Browser, expect

from bench.programs import ENDED, KEY, ROOT, Mock, Service
from tests.page.browser import Visitor, lines, running

FOLDER = ROOT / "docs" / "images"
THEMES = ("light", "dark")
WIDTHS = {1280: 860, 768: 1000, 360: 780}
FAILS = "[[status=400]]"
TICKETS = "Ticket {}: the invoice of last month lists a seat that was cancelled. Which team has to look at it?"


def _make(client: openai.OpenAI, name: str, prompts: list[str], *, wait: bool = True, **metadata: str) -> str:
    file = client.files.create(file=(f"{name}.jsonl", lines(*prompts, model="gpt-5-mini")), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"description": name, **metadata},
    )
    while wait and batch.status not in ENDED:
        time.sleep(0.2)
        batch = client.batches.retrieve(batch.id)
    return batch.id


def _fill(client: openai.OpenAI) -> str:
    """Batches in every state; the id of the one that is shown alone."""
    _make(client, "Embeddings of the handbook", [f"Chapter {n}" for n in range(300)], team="search")
    mixed = [TICKETS.format(n) + (f" {FAILS}" if n % 37 == 20 else "") for n in range(240)]
    shown = _make(client, "Support tickets, October", mixed, team="care", run="7")
    _make(client, "Sentiment of reviews", [f"Review {n} {FAILS}" for n in range(12)], team="care")
    stopped = _make(client, "Draft translations", [f"Line {n} [[latency=2500]]" for n in range(4000)], wait=False)
    time.sleep(3)
    client.batches.cancel(stopped)
    _make(
        client, "Summaries of the archive", [f"Document {n} [[latency=1500]]" for n in range(6000)], wait=False, run="8"
    )
    paused = _make(
        client, "Nightly evaluation", [f"Case {n} [[latency=1200]]" for n in range(3000)], wait=False, team="lab"
    )
    time.sleep(6)
    client.post(f"/batches/{paused}/pause", cast_to=object)
    time.sleep(12)
    return shown


def _take(browser: Browser, url: str, shown: str, theme: str, width: int) -> None:
    visitor = Visitor(browser, url, color_scheme=theme, viewport={"width": width, "height": WIDTHS[width]})
    page = visitor.sign_in()
    for name, address, heading in (
        ("batches", "#/batches", "Batches"),
        ("batch", f"#/batches/{shown}", "Support tickets, October"),
    ):
        visitor.open(address, heading)
        expect(page.get_by_text("Reading the")).to_have_count(0)
        page.wait_for_timeout(1500)
        page.screenshot(path=FOLDER / f"page-{name}-{theme}-{width}.png")
    if complaints := visitor.complaints():
        print(f"The browser complains: {complaints}")
    visitor.context.close()


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, running() as browser:
        folder = Path(name)
        mock = Mock(folder, "--latency-ms", "30")
        mock.start()
        price = {"currency": "USD", "input": 0.25, "output": 2.0}
        deployments = f'{{"gpt-5-mini": {{"base_url": "{mock.url}/v1", "price": {price}}}}}'.replace("'", '"')
        service = Service(folder, mock.url, BATCH_DEPLOYMENTS=deployments)
        service.start()
        try:
            with openai.OpenAI(base_url=f"{service.url}/v1", api_key=KEY, timeout=60) as client:
                shown = _fill(client)
            for theme in THEMES:
                for width in WIDTHS:
                    _take(browser, service.url, shown, theme, width)
        finally:
            service.stop()
            mock.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
