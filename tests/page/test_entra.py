"""Signing in with Microsoft, where that is switched on. The issuer is one of ours on loopback: docs/entra.md."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from api.page.serving import policy
from bench.programs import Mock, Service
from tests import entra_issuer
from tests.entra_issuer import AUDIENCE, CLIENT, TENANT, Issuer
from tests.page.browser import Visitor
from tests.starved import stretched

BUTTON = "Sign in with Microsoft"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with entra_issuer.running() as found:
        yield found


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Service]:
    """A service that takes tokens of the issuer, and whose page lets people sign in there."""
    folder = tmp_path_factory.mktemp("signing")
    mock = Mock(folder)
    mock.start()
    program = Service(
        folder,
        mock.url,
        BATCH_ENTRA_TENANT=TENANT,
        BATCH_ENTRA_AUDIENCE=AUDIENCE,
        BATCH_ENTRA_AUTHORITY=issuer.url,
        BATCH_ENTRA_PROJECTS=json.dumps({"groups:team": "default"}),
        BATCH_ENTRA_PAGE_CLIENT=CLIENT,
    )
    program.start()
    yield program
    program.stop()
    mock.stop()


@pytest.fixture
def person(browser: Browser, signing: Service, issuer: Issuer) -> Iterator[Visitor]:
    """Of the team whose project is `default`."""
    issuer.person, issuer.expires_in, issuer.refusal = {"scp": "use", "groups": ["team"]}, 3600, ""
    issuer.redeemed.clear()
    visitor = Visitor(browser, signing.url)
    yield visitor
    complaints = visitor.complaints()
    visitor.context.close()
    assert complaints == []


def sign_in(visitor: Visitor, address: str = "/ui") -> Page:
    visitor.page.goto(visitor.url + address)
    visitor.page.get_by_role("button", name=BUTTON).click()
    return visitor.page


def test_people_sign_in_with_a_token_of_their_own(person: Visitor, issuer: Issuer) -> None:
    """They come back to where they were, and see what it opens; the way there has no hurdle."""
    person.page.goto(f"{person.url}/ui")
    expect(person.page.get_by_role("button", name=BUTTON)).to_be_visible()
    hurdles = person.hurdles()
    page = sign_in(person, "/#/files")

    expect(page.get_by_role("heading", level=1, name="Files")).to_be_visible()
    assert page.url == f"{person.url}/ui#/files"
    assert (hurdles, issuer.redeemed) == ([], ["authorization_code"])


def test_nothing_of_a_sign_in_is_kept(person: Visitor) -> None:
    """Neither token nor secret is where another could find it; a page that is loaded again asks again."""
    page = sign_in(person)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state])")
    page.reload()

    assert json.loads(stored) == [{}, {}, "", None]
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()


def test_signing_out_forgets_the_token(person: Visitor) -> None:
    """And stops renewing it."""
    page = sign_in(person)
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
    expect(page.get_by_role("button", name="Verify")).to_be_enabled()


def test_a_token_is_renewed_before_it_ends(person: Visitor, issuer: Issuer) -> None:
    """The person goes on; another token is in use."""
    issuer.expires_in = 301
    used: set[str] = set()
    person.page.on("request", lambda request: used.add(request.headers.get("authorization", "")))
    page = sign_in(person)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    until = time.monotonic() + stretched(30)
    while len(used - {""}) < 2 and time.monotonic() < until:
        for place in ("files", "batches"):
            page.evaluate("place => { location.hash = `#/${place}` }", place)
            page.wait_for_timeout(300)

    assert "refresh_token" in issuer.redeemed
    assert len(used - {""}) >= 2
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_sign_in_that_cannot_be_renewed_is_begun_again(person: Visitor, issuer: Issuer) -> None:
    """With the reason; nothing goes on with a token that ends."""
    person.expected = ["status of 400"]
    issuer.expires_in = 301
    page = sign_in(person)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    issuer.refusal = "AADSTS50173: The grant has been revoked."

    expect(page.get_by_role("status").first).to_contain_text("Your sign-in has ended")
    expect(page.get_by_role("button", name=BUTTON)).to_be_enabled()


def test_a_refusal_is_said_in_words(person: Visitor, issuer: Issuer) -> None:
    """Of the issuer, without its numbers."""
    issuer.refusal = "AADSTS50105: You have no role in this application. Trace ID: 12"
    page = sign_in(person)

    expect(page.get_by_role("alert")).to_have_text("AADSTS50105: You have no role in this application.")
    assert page.url == f"{person.url}/ui"


def test_a_token_that_opens_nothing_is_said_too(person: Visitor, issuer: Issuer) -> None:
    """In the service's words, at the door."""
    person.expected = ["status of 403"]
    issuer.person = {"scp": "use", "groups": ["others"]}
    page = sign_in(person)

    expect(page.get_by_role("alert")).to_contain_text("Nothing in your token leads to a project")


def test_a_code_that_nobody_asked_for_is_refused(person: Visitor, issuer: Issuer) -> None:
    """Somebody else's sign-in, put into an address, signs nobody in."""
    page = person.page
    page.goto(f"{person.url}/ui#code=code-1&state=guessed")

    expect(page.get_by_role("alert")).to_contain_text("was not begun in this tab")
    assert (page.url, issuer.redeemed) == (f"{person.url}/ui", [])


def test_tokens_come_from_the_authority_alone(signing: Service, issuer: Issuer) -> None:
    """The policy opens that one address, and the settings name it; they hold no secret."""
    index = httpx.get(f"{signing.url}/ui", timeout=30)
    told = httpx.get(f"{signing.url}/ui/settings.json", timeout=30)
    place = f"{issuer.url}/{TENANT}/oauth2/v2.0"

    assert f"connect-src 'self' {issuer.url};" in index.headers["content-security-policy"]
    assert told.headers["cache-control"] == "no-store"
    assert told.json()["entra"] == {
        "authorize": f"{place}/authorize",
        "token": f"{place}/token",
        "client_id": CLIENT,
        "scope": f"{AUDIENCE}/.default",
    }


def test_nothing_is_offered_where_it_is_off(visitor: Visitor, service: Service) -> None:
    """A key is asked for, and no address but the service's own is open."""
    with visitor.page.expect_response("**/ui/settings.json"):
        visitor.page.goto(visitor.url)
    headers = httpx.get(f"{service.url}/ui", timeout=30).headers

    expect(visitor.page.get_by_role("button", name="Verify")).to_be_visible()
    expect(visitor.page.get_by_role("button", name=BUTTON)).to_have_count(0)
    assert headers["content-security-policy"] == policy(None)
    assert "connect-src 'self';" in policy(None)
