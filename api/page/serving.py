"""`GET /` and `GET /ui/…`: the page. Anonymous, for it says nothing that the sources do not; it calls the API itself.

Rule of this file: every answer has the page's policy. Nothing but our own files is loaded, no text becomes a script or
markup, no other page may frame it, and nothing is sent elsewhere, but to who signs people in where that is switched on.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
from azurefunctions.extensions.http.fastapi import Request, Response

from api.page.files import ROOT, PageFile, page
from shared.domain.keys.entra_rules import EntraRules
from shared.environment import SettingsError
from shared.services import services

SETTINGS: Final = f"{ROOT}/settings.json"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src {connect}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "strict-transport-security": "max-age=31536000",
    "vary": "accept-encoding",
}
_ASK_AGAIN: Final = "no-cache"
_NEVER_KEPT: Final = {"cache-control": "no-store"}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_NOT_THERE: Final = b"The page has no such file. Load /ui again: it names the files of the version that runs now.\n"


async def serve_page(req: Request) -> Response:
    """The index at `/`, `/ui` and `/ui/`; under `/ui/<version>/` the files that it names; `/ui/settings.json`."""
    path, sign_in = req.url.path, _sign_in()
    headers = _HEADERS | {"content-security-policy": policy(sign_in)}
    if path.rstrip("/").lower() in ("", ROOT):
        return _index(req, headers)
    if path == SETTINGS:
        return Response(_settings(sign_in), headers=headers | _NEVER_KEPT, media_type="application/json")
    file = page().files.get(path)
    if file is None:
        return Response(_NOT_THERE, 404, headers | _NEVER_KEPT, "text/plain")
    return _answer(req, file, headers | {"cache-control": _FOR_EVER})


def policy(sign_in: EntraRules | None) -> str:
    """Tokens are fetched from the authority; signing in itself is another page."""
    return _POLICY.format(connect=f"'self' {sign_in.authority}" if sign_in else "'self'")


def _sign_in() -> EntraRules | None:
    try:
        rules = services().settings.entra
    except SettingsError:  # The page is there all the same; `/healthz` and the log say what is wrong.
        return None
    return rules if rules and rules.page_client else None


def _settings(sign_in: EntraRules | None) -> bytes:
    """What the page must know before anybody has signed in: how they do, or null. Ids and addresses, no secret."""
    entra = sign_in and {
        "authorize": sign_in.address_of("authorize"),
        "token": sign_in.address_of("token"),
        "client_id": sign_in.page_client,
        "scope": sign_in.scope,
    }
    return msgspec.json.encode({"entra": entra})


def _index(req: Request, headers: dict[str, str]) -> Response:
    digest = hashlib.sha256((page().version + headers["content-security-policy"]).encode()).hexdigest()
    tag = f'W/"{digest[:16]}"'  # Weak, for it is packed or not.
    headers = headers | {"cache-control": _ASK_AGAIN, "etag": tag}
    if tag in req.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return _answer(req, page().index, headers)


def _answer(req: Request, file: PageFile, headers: dict[str, str]) -> Response:
    is_packed = "gzip" in req.headers.get("accept-encoding", "")
    packing = {"content-encoding": "gzip"} if is_packed else {}
    content = file.packed if is_packed else file.content
    return Response(content, headers=headers | packing, media_type=file.content_type)
