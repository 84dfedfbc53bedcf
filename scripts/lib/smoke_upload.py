"""Files up and down: one in a single call, one in parts, and one just over the limit that is sent in chunks.

Rule of this file: no call announces a body of more than `PART_BYTES`. The Functions host holds such a body in memory
(docs/adr/0008), and a look at a service must not be what kills its instance.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from smoke_call import CheckFailed, call, expect, message, own_message

MEGABYTE = 1 << 20
WHOLE_MEGABYTES = 7
PART_BYTES = 8 * MEGABYTE
PARTED_MEGABYTES = 20
LIMIT_MEGABYTES = 201
UPLOAD_SECONDS = 600.0
_BOUNDARY = "smoke-test-boundary"
_LINE = b'{"custom_id":"%d","method":"POST","url":"/v1/chat/completions","body":{"model":"none","messages":[]}}'
_PLATFORM = (
    "A limit before the service may have come first: set the app setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT to "
    "276824064 (what infra/ sets), and check what stands in front of the app."
)
_CONTENT = "Files come back other than they were sent: stop using this service, and report it."
_RANGE = "Large results cannot be fetched in pieces: check what stands in front of the app."


class SmokeFiles:
    """The files that the checks sent; they are deleted at the end, whatever happened."""

    def __init__(self, http: httpx.Client, key: str) -> None:
        self._http, self._headers = http, {"Authorization": f"Bearer {key}"}
        self._ids: list[str] = []
        self._parted = b"".join(_lines(PARTED_MEGABYTES))

    def check_whole(self) -> str:
        """One call that announces its length. Raises CheckFailed."""
        sent = b"".join(_lines(WHOLE_MEGABYTES))
        form = {"file": ("smoke.jsonl", sent, "application/jsonl")}
        answer = self._call("POST", "/v1/files", data={"purpose": "batch"}, files=form, timeout=UPLOAD_SECONDS)
        self._ids.append(expect(answer, 200).json()["id"])
        self._compare(sent)
        return f"{WHOLE_MEGABYTES} MB in one call, the same when downloaded"

    def check_parted(self) -> str:
        """Parts of 8 MB, completed with a checksum. Raises CheckFailed."""
        new = {"filename": "smoke.jsonl", "purpose": "batch", "mime_type": "application/jsonl"}
        upload = self._json("/v1/uploads", {**new, "bytes": len(self._parted)})
        path = f"/v1/uploads/{upload['id']}"
        starts = range(0, len(self._parted), PART_BYTES)
        parts = [self._part(path, self._parted[start : start + PART_BYTES]) for start in starts]
        md5 = hashlib.md5(self._parted, usedforsecurity=False).hexdigest()
        self._ids.append(self._json(f"{path}/complete", {"part_ids": parts, "md5": md5})["file"]["id"])
        return f"{PARTED_MEGABYTES} MB in {len(parts)} parts, put together with a checksum"

    def check_download(self) -> str:
        """The parted file, all of it and a piece out of the middle. Raises CheckFailed."""
        self._compare(self._parted)
        start, end = 9 * MEGABYTE - 5, 9 * MEGABYTE + 4  # over the seam of two lines
        piece = self._content({"Range": f"bytes={start}-{end}"})
        if piece.status_code != 206 or piece.content != self._parted[start : end + 1]:
            raise CheckFailed(f"a Range of 10 bytes answered {piece.status_code}, {len(piece.content)} bytes", _RANGE)
        return f"{PARTED_MEGABYTES} MB the same as sent; a Range answers just that piece"

    def clean(self) -> str | None:
        left = [file_id for file_id in self._ids if not self._deleted(file_id)]
        return f"not deleted: {', '.join(left)}" if left else None

    def _part(self, path: str, data: bytes) -> str:
        answer = self._call("POST", f"{path}/parts", files={"data": ("part", data)}, timeout=UPLOAD_SECONDS)
        return str(expect(answer, 200).json()["id"])

    def _json(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = expect(self._call("POST", path, json=body), 200).json()
        return answer

    def _compare(self, sent: bytes) -> None:
        got = expect(self._content({}), 200).content
        if got != sent:
            raise CheckFailed(f"{len(sent)} bytes were sent, {len(got)} other ones came back", _CONTENT)

    def _content(self, headers: dict[str, str]) -> httpx.Response:
        return self._call("GET", f"/v1/files/{self._ids[-1]}/content", headers=headers, timeout=UPLOAD_SECONDS)

    def _deleted(self, file_id: str) -> bool:
        try:
            return self._call("DELETE", f"/v1/files/{file_id}").status_code == 200
        except CheckFailed:
            return False

    def _call(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        return call(self._http, method, path, headers={**self._headers, **(headers or {})}, **options)


def check_limit(http: httpx.Client, key: str, say: Callable[[str], None]) -> str:
    """The service's own refusal shows that no lower limit stands in its way. Raises CheckFailed at another's word.

    The body is made on the way and sent in chunks, which the Functions host passes on as they come.
    """
    try:
        answer = _send_too_much(http, key, say)
    except CheckFailed as failure:  # Cut off in the middle, most likely.
        raise CheckFailed(failure.seen, f"{_PLATFORM} {failure.advice}") from failure
    if answer.status_code == 200:
        call(http, "DELETE", f"/v1/files/{answer.json()['id']}", headers={"Authorization": f"Bearer {key}"})
        return f"{LIMIT_MEGABYTES} MB taken, and deleted: this service's limit is higher than the usual 200 MB"
    found = re.search(r"File is too large\. The limit is (\d+) bytes", own_message(answer) or "")
    if answer.status_code in (400, 413) and found:
        return f"refused by the service itself, which takes {int(found[1]) // MEGABYTE} MB"
    raise CheckFailed(f"{LIMIT_MEGABYTES} MB answered {answer.status_code}: {message(answer)}", _PLATFORM)


def _send_too_much(http: httpx.Client, key: str, say: Callable[[str], None]) -> httpx.Response:
    content_type = f"multipart/form-data; boundary={_BOUNDARY}"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": content_type}
    timeout = httpx.Timeout(UPLOAD_SECONDS, connect=20.0)
    return call(http, "POST", "/v1/files", content=_form(say), headers=headers, timeout=timeout)


def _form(say: Callable[[str], None]) -> Iterator[bytes]:
    yield f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'.encode()
    file = 'form-data; name="file"; filename="smoke.jsonl"'
    yield f"--{_BOUNDARY}\r\nContent-Disposition: {file}\r\n\r\n".encode()
    for sent, line in enumerate(_lines(LIMIT_MEGABYTES)):
        if sent % 50 == 0:
            say(f"{LIMIT_MEGABYTES} MB: {sent} MB sent")
        yield line
    yield f"\r\n--{_BOUNDARY}--\r\n".encode()


def _lines(megabytes: int) -> Iterator[bytes]:
    """A batch file whose lines have a megabyte each, and differ."""
    for number in range(megabytes):
        line = _LINE % number
        yield line + b" " * (MEGABYTE - len(line) - 1) + b"\n"
