"""`GET /` and `GET /ui/…`: the page. Anonymous, for it says nothing that the sources do not; it calls the API itself.

Rule of this file: every answer has the page's policy. Nothing but our own files is loaded, no text becomes a script or
markup, no other page may frame it, and nothing is sent elsewhere.
"""

from __future__ import annotations

from typing import Final

from azurefunctions.extensions.http.fastapi import Request, Response

from api.page.files import ROOT, PageFile, page

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "strict-transport-security": "max-age=31536000",
    "vary": "accept-encoding",
}
_ASK_AGAIN: Final = "no-cache"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_NOT_THERE: Final = b"The page has no such file. Load /ui again: it names the files of the version that runs now.\n"


async def serve_page(req: Request) -> Response:
    """The index at `/`, `/ui` and `/ui/`; under `/ui/<version>/` the files that it names."""
    path = req.url.path
    if path.rstrip("/").lower() in ("", ROOT):
        return _index(req)
    file = page().files.get(path)
    if file is None:
        return Response(_NOT_THERE, 404, _HEADERS | {"cache-control": "no-store"}, "text/plain")
    return _answer(req, file, {"cache-control": _FOR_EVER})


def _index(req: Request) -> Response:
    tag = f'W/"{page().version}"'  # Weak, for it is packed or not.
    headers = {"cache-control": _ASK_AGAIN, "etag": tag}
    if tag in req.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=_HEADERS | headers)
    return _answer(req, page().index, headers)


def _answer(req: Request, file: PageFile, headers: dict[str, str]) -> Response:
    is_packed = "gzip" in req.headers.get("accept-encoding", "")
    packing = {"content-encoding": "gzip"} if is_packed else {}
    content = file.packed if is_packed else file.content
    return Response(content, headers=_HEADERS | headers | packing, media_type=file.content_type)
