"""A file just over the usual limit, made on the way: the service's own refusal shows that nothing stood in its way.

A platform with a lower limit would cut the upload off before the service could say anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
from smoke_call import CheckFailed, call, message, own_message

MEGABYTE = 1 << 20
MEGABYTES = 201
UPLOAD_SECONDS = 600.0
_BOUNDARY = "smoke-test-boundary"
_LINE = b'{"custom_id":"0","method":"POST","url":"/v1/chat/completions","body":{"model":"none","messages":[]}}'
_PLATFORM = (
    "A limit before the service may have come first: set the app setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT to "
    "314572800, and check what stands in front of the app."
)


def check_large_upload(http: httpx.Client, key: str, say: Callable[[str], None]) -> str:
    """What was seen. Raises CheckFailed if the upload ends in anything but the service's own word."""
    try:
        answer = _upload(http, key, say)
    except CheckFailed as failure:  # Cut off in the middle, most likely.
        raise CheckFailed(failure.seen, f"{_PLATFORM} {failure.advice}") from failure
    if answer.status_code == 200:
        call(http, "DELETE", f"/v1/files/{answer.json()['id']}", headers={"Authorization": f"Bearer {key}"})
        return f"{MEGABYTES} MB taken, and deleted: this service's limit is higher than the usual 200 MB"
    found = re.search(r"File is too large\. The limit is (\d+) bytes", own_message(answer) or "")
    if answer.status_code in (400, 413) and found:
        return f"refused by the service itself, which takes {int(found[1]) // MEGABYTE} MB"
    raise CheckFailed(f"{MEGABYTES} MB answered {answer.status_code}: {message(answer)}", _PLATFORM)


def _upload(http: httpx.Client, key: str, say: Callable[[str], None]) -> httpx.Response:
    head, tail = _form()
    length = len(head) + MEGABYTES * MEGABYTE + len(tail)
    return call(
        http,
        "POST",
        "/v1/files",
        content=_body(head, tail, say),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
            "Content-Length": str(length),
        },
        timeout=httpx.Timeout(UPLOAD_SECONDS, connect=20.0),
    )


def _form() -> tuple[bytes, bytes]:
    parts = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n',
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="smoke.jsonl"\r\n\r\n',
    )
    return "".join(parts).encode(), f"\r\n--{_BOUNDARY}--\r\n".encode()


def _body(head: bytes, tail: bytes, say: Callable[[str], None]) -> Iterator[bytes]:
    line = _LINE + b" " * (MEGABYTE - len(_LINE) - 1) + b"\n"
    yield head
    for sent in range(MEGABYTES):
        if sent % 25 == 0:
            say(f"201 MB upload: {sent} MB sent")
        yield line
    yield tail
