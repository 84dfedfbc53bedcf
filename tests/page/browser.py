"""A real browser on a live service: what every test of the page needs.

Rule of this file: whatever the browser complains of in its console fails the test, a breach of the page's policy above
all. A test that provokes a refusal says which complaint it expects.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from bench.programs import KEY, ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
)
_TELL_BREACHES = """
addEventListener("securitypolicyviolation", (e) =>
    console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
"""
WAIT_MS = 30_000
expect.set_options(timeout=WAIT_MS)


def program() -> str | None:
    """Where Chromium is."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def running() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=_ARGUMENTS)
        yield browser
        browser.close()


class Visitor:
    """One person with a window of their own. `expected` are regular expressions of complaints that may come."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.expected: list[str] = []
        self._complaints: list[str] = []
        options = {"locale": "en-GB", "timezone_id": "Europe/Berlin", "reduced_motion": "reduce"} | options
        self.context: BrowserContext = browser.new_context(accept_downloads=True, **options)
        self.context.set_default_timeout(WAIT_MS)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.context.add_init_script(_TELL_BREACHES)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._complaints.append(f"uncaught: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(message.text)

    def complaints(self) -> list[str]:
        return [each for each in self._complaints if not any(re.search(form, each) for form in self.expected)]

    def sign_in(self, key: str = KEY, address: str = "") -> Page:
        self.page.goto(f"{self.url}/ui{address}")
        self.page.get_by_label("API key").fill(key)
        self.page.get_by_role("button", name="Verify").click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()
        return self.page

    def open(self, address: str, heading: str) -> Page:
        """A place of the page, for whoever has signed in."""
        self.page.evaluate("address => { location.hash = address }", address)
        expect(self.page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        return self.page

    def hurdles(self) -> list[str]:
        """What axe finds in the way of people who see, hear or move otherwise, by rule and place."""
        self.page.evaluate(AXE.read_text())
        rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
        found = self.page.evaluate("rules => axe.run(document, rules)", rules)
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    def is_cut(self) -> bool:
        """Whether something stands out of the window at its side."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def at_once(selector: str, act: str) -> str:
    """A script that does `act` once, in the moment in which something that fits the selector is shown."""
    return f"""new MutationObserver((_, seen) => {{
      if (!document.querySelector("{selector}")) return;
      seen.disconnect();
      {act};
    }}).observe(document, {{ childList: true, subtree: true }})"""


def lines(*prompts: str, model: str = "m") -> bytes:
    """A batch file of chats."""
    return b"".join(
        json.dumps(
            {
                "custom_id": f"request-{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": model, "messages": [{"role": "user", "content": prompt}]},
            }
        ).encode()
        + b"\n"
        for number, prompt in enumerate(prompts, start=1)
    )


def saved(page: Page, button: str, folder: Path) -> str:
    """The text of what a button downloads."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path.read_text()


def texts(page: Page, selector: str) -> Sequence[str]:
    return page.locator(selector).all_inner_texts()
